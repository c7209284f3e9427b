/**
 * Runs a scenario on a machine, which can be new or already in use.
 *
 * Each ms of the kernel's clock is a round, in which every thread that can run makes one call. Processes and their
 * threads run in the order of the file. Threads that were created during the run follow, in the order of creation. If
 * no thread can run, time advances to the next expiry of a timer. So the same file and seed give the same events.
 */

import { bounds } from '../base/bounds.ts'
import { assert, KernelError } from '../kernel/errno.ts'
import type { KernelEvent } from '../kernel/events.ts'
import { limitIndex } from '../kernel/limits/table.ts'
import { clockEnd, type Machine } from '../model/machine.ts'
import type { ModelThread } from '../model/objects/model-thread.ts'
import { differencesOf } from './compare-outcome.ts'
import { nodeOf } from './limit-path.ts'
import { Bindings } from './names.ts'
import type { Difference } from './outcome.ts'
import type { Place } from './problems.ts'
import { Random } from './random.ts'
import type { ProcessPlan, Scenario } from './scenario.ts'
import { Script, type Stage } from './script.ts'
import type { CallStep, RepeatStep, Step } from './steps.ts'
import { referenceText } from './template.ts'

export interface Verdict {
  readonly met: boolean
  readonly differences: readonly Difference[]
  readonly calls: number
  readonly events: number
  /** Duration of the run, in ms of the kernel's clock. */
  readonly ranMs: number
}

export interface RunOptions {
  /** Replaces the seed of the file. */
  readonly seed?: number
}

/** Runs the scenario to its end. */
export function runScenario(machine: Machine, scenario: Scenario, options: RunOptions = {}): Verdict {
  const run = new ScenarioRun(machine, scenario, options)
  run.proceed(run.endsAt)
  return run.verdict()
}

export class ScenarioRun {
  readonly #machine: Machine
  readonly #scenario: Scenario
  readonly #stage: Stage
  readonly #bindings = new Bindings()
  /** The scripts that are not over, in the order of their turns. */
  #scripts: Script[] = []
  readonly #faults = new Map<Step | Place, Difference>()
  /** Steps whose expected failure has happened. */
  readonly #confirmed = new Set<Step>()
  /** Events of the expected types. Other events are only counted. */
  readonly #events: KernelEvent[] = []
  readonly #beganAt: number
  readonly #expiriesBefore: number
  /** Time of the next round; null when the run is over. */
  #due: number | null
  #calls = 0
  #eventCount = 0
  readonly #release: () => void

  /**
   * Creates everything in the file at the current time. If the machine refuses a part, that is a difference and the
   * run is over.
   * @throws EINVAL the clock could end before the run; nothing was created
   */
  constructor(machine: Machine, scenario: Scenario, { seed = scenario.seed }: RunOptions = {}) {
    this.#machine = machine
    this.#scenario = scenario
    this.#beganAt = machine.kernel.now
    if (this.endsAt > clockEnd)
      throw new KernelError('EINVAL', 'the clock ends with the year 9999, before the run does')
    this.#expiriesBefore = machine.expiries
    this.#due = this.#beganAt
    this.#stage = {
      machine,
      bindings: this.#bindings,
      random: new Random(seed),
      fault: (step, message) => this.#fault(step, step.place, message),
      confirm: (step) => this.#confirmed.add(step),
      begin: (thread, program) => this.#begin(thread, thread.path, scenario.programs.get(program)!),
    }
    this.#release = this.#listen()
    this.#prepare()
    if (this.isOver) this.#release()
  }

  /** Latest end of the run, by the kernel's clock. */
  get endsAt(): number {
    return this.#beganAt + this.#scenario.runMs
  }

  get isOver(): boolean {
    return this.#due === null
  }

  /** Runs until this time of the kernel's clock or to the end of the run, and advances the clock. */
  proceed(to: number): void {
    const { kernel } = this.#machine
    try {
      while (this.#due !== null && this.#due <= to) {
        this.#machine.advance(Math.max(this.#due, kernel.now))
        if (kernel.now < this.endsAt) this.#round()
        this.#due = this.#nextRound()
      }
      if (this.#due !== null && to > kernel.now) this.#machine.advance(to)
    } catch (error) {
      this.#due = null
      throw error
    } finally {
      if (this.#due === null) this.#release()
    }
  }

  /** Preconditions: the run is over. */
  verdict(): Verdict {
    assert(this.isOver, 'a run that is judged is over')
    const left = this.#scripts.filter(({ isOver }) => !isOver)
    for (const script of left) script.end()
    const differences = [...this.#faults.values(), ...this.#unfinished(left), ...this.#expected()]
    return {
      met: differences.length === 0,
      differences,
      calls: this.#calls,
      events: this.#eventCount,
      ranMs: this.#machine.kernel.now - this.#beganAt,
    }
  }

  /** @returns a function that stops listening */
  #listen(): () => void {
    const { kernel } = this.#machine
    const wanted = new Set<string>(this.#scenario.expect.events.map(({ type }) => type))
    return kernel.onEvent((event) => {
      this.#eventCount++
      if (wanted.has(event.type)) this.#events.push(event)
    })
  }

  #prepare(): void {
    const { pools, partitions, processes, thresholds } = this.#scenario
    this.#machine.putPools(pools)
    for (const { place, names, pools: own } of partitions)
      this.#attempt(place, `partition ${names.join('/')}`, () => this.#machine.putPartition(names, own))
    for (const plan of processes) this.#attempt(plan.place, `process ${plan.name}`, () => this.#make(plan))
    for (const { place, limit, name, definition } of thresholds) {
      this.#attempt(place, `threshold ${name}`, () => {
        const { kernel } = this.#machine
        const node = nodeOf(this.#machine, limit, this.#bindings)
        const index = limitIndex[limit.limit]
        // A separate update, so that the action of a tripped threshold takes effect at once.
        kernel.update(kernel.now, () => kernel.notifier.put(node, index, name, { definition, owner: null }))
      })
    }
  }

  #attempt(place: Place, what: string, make: () => void): void {
    if (this.isOver) return
    try {
      make()
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      this.#fault(place, place, `${what} cannot be made: ${error.errno}: ${error.message}`)
      this.#due = null
    }
  }

  #make({ name, uid, partition, threads: [main, ...others] }: ProcessPlan): void {
    const { kernel } = this.#machine
    const container = kernel.partition(partition) ?? kernel.system
    const process = this.#machine.create({ name, uid, container, thread: main.making })
    const threads = new Map([[main.name, process.threads.get(1)!]])
    this.#bindings.processes.set(name, { process, threads })
    for (const other of others) threads.set(other.name, this.#machine.createThread(process, other.making))
    for (const { name: thread, steps } of [main, ...others])
      this.#begin(threads.get(thread)!, `${name}.${thread}`, steps)
  }

  #begin(thread: ModelThread, label: string, steps: readonly Step[]): void {
    this.#scripts.push(new Script({ thread, label, steps, stage: this.#stage }))
  }

  #round(): void {
    // A thread created in this round has its first turn in the next round.
    for (const script of [...this.#scripts]) {
      if (script.turn()) this.#calls++
      if (this.#calls >= bounds.scenarioCallsMax) break
    }
    this.#scripts = this.#scripts.filter(({ isOver }) => !isOver)
  }

  #nextRound(): number | null {
    const { kernel } = this.#machine
    const excess = this.#excess()
    if (excess !== null) {
      this.#fault(wholeFile, wholeFile, `it was not over after ${excess}`)
      return null
    }
    if (kernel.now >= this.endsAt) return null
    const next = this.#scripts.some(({ canRun }) => canRun) ? kernel.now + 1 : this.#machine.nextAt()
    return next === null ? null : Math.min(next, this.endsAt)
  }

  /** @returns the bound that the run has reached, as text; null if none */
  #excess(): string | null {
    if (this.#calls >= bounds.scenarioCallsMax) return `${bounds.scenarioCallsMax} calls`
    const expiries = this.#machine.expiries - this.#expiriesBefore
    return expiries >= bounds.scenarioExpiriesMax ? `${expiries} expiries of timers` : null
  }

  /** Records only the first fault of each step. */
  #fault(key: Step | Place, { line, column }: Place, message: string): void {
    if (!this.#faults.has(key)) this.#faults.set(key, { line, column, message })
  }

  /** Threads that wait for a result which no call has returned, and expected failures that did not happen. */
  #unfinished(left: readonly Script[]): Difference[] {
    const waiting = left.flatMap(({ awaits, label }) =>
      awaits === null || this.#bindings.isBound(awaits.reference) ? [] : [{ ...awaits, label }],
    )
    const waits = waiting.map(({ step: { place, call }, reference, label }) => ({
      ...place,
      message: `${label}: ${call} waits for ${referenceText(reference)}, which no call has returned`,
    }))
    const claims = this.#claims().filter((step) => !this.#confirmed.has(step) && !this.#faults.has(step))
    return [...waits, ...claims.map((step) => ({ ...step.place, message: claimText(step) }))]
  }

  #claims(): (CallStep | RepeatStep)[] {
    const { processes, programs } = this.#scenario
    const lists = [...processes.flatMap(({ threads }) => threads.map(({ steps }) => steps)), ...programs.values()]
    return [...new Set(lists.flatMap((steps) => [...claimsOf(steps)]))]
  }

  #expected(): Difference[] {
    const { expect } = this.#scenario
    // If the machine could not be prepared, its expectations are not checked.
    if (this.#bindings.processes.size < this.#scenario.processes.length) return []
    return differencesOf(expect, { machine: this.#machine, bindings: this.#bindings, events: this.#events })
  }
}

const wholeFile: Place = { line: 1, column: 1 }

/** Steps that are expected to fail, and repetitions that end with a failure. */
function* claimsOf(steps: readonly Step[]): Generator<CallStep | RepeatStep> {
  for (const step of steps) {
    if (step.kind === 'random') yield* step.choices.flatMap((choice) => [...claimsOf(choice)])
    else if (step.kind === 'call') {
      if (step.fails !== null) yield step
    } else {
      if (step.until !== null) yield step
      yield* claimsOf(step.steps)
    }
  }
}

function claimText(step: CallStep | RepeatStep): string {
  return step.kind === 'call'
    ? `${step.call} was to fail with ${step.fails}, and has not returned`
    : `no call failed with ${step.until}`
}

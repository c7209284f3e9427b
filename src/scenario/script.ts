/** Executes the steps of one thread. Each turn makes one kernel call. */

import { ZodError } from 'zod'
import { assert, type Errno, KernelError } from '../kernel/errno.ts'
import type { Machine } from '../model/machine.ts'
import type { ModelThread } from '../model/objects/model-thread.ts'
import { parseCall } from '../tree/calls.ts'
import { StepCursor } from './cursor.ts'
import { type Bindings, NoValue, type OwnResults, type Result } from './names.ts'
import type { Random } from './random.ts'
import type { CallStep, RepeatStep, Step } from './steps.ts'
import { evaluate, type Reference } from './template.ts'

/** State and callbacks that all threads of a run share. */
export interface Stage {
  readonly machine: Machine
  readonly bindings: Bindings
  readonly random: Random
  /** Reports that a step did not end as the file says. */
  fault(step: CallStep | RepeatStep, message: string): void
  /** Reports that a step failed as expected, or that a repetition ended with the expected failure. */
  confirm(step: CallStep | RepeatStep): void
  /** Starts a program in a thread that a step created. */
  begin(thread: ModelThread, program: string): void
}

export class Script {
  readonly thread: ModelThread
  /** Name in messages, such as `worker.main`. */
  readonly label: string
  readonly #stage: Stage
  readonly #cursor: StepCursor
  readonly #own: OwnResults = new Map()
  /** The next step, once it is known. */
  #next: CallStep | null = null
  /** The step whose call blocks the thread. */
  #pending: CallStep | null = null
  #isOver = false

  constructor(parts: { thread: ModelThread; label: string; steps: readonly Step[]; stage: Stage }) {
    const { stage } = parts
    this.thread = parts.thread
    this.label = parts.label
    this.#stage = stage
    this.#cursor = new StepCursor(parts.steps, stage.random, (repeat) =>
      this.#fault(repeat, `the repetition has ended, and no call in it failed with ${repeat.until}`),
    )
  }

  /** True if the thread makes no more calls. */
  get isOver(): boolean {
    return this.#isOver || this.thread.isDead
  }

  /** The result of another thread that the next step needs; null if the step needs none. */
  get awaits(): { readonly step: CallStep; readonly reference: Reference } | null {
    const step = this.#next
    const reference = step?.references.find((one) => !this.#stage.bindings.isBound(one))
    return step === null || reference === undefined ? null : { step, reference }
  }

  get canRun(): boolean {
    return !this.isOver && this.thread.blocker === null && this.awaits === null
  }

  /** @returns true if the thread has made a call */
  turn(): boolean {
    if (this.isOver || this.thread.blocker !== null) return false
    this.#finishPending()
    if (this.isOver) return false
    this.#next ??= this.#cursor.next()
    if (this.#next === null) this.#isOver = true
    // The cursor reports a repetition that ran out as a fault, which ends the script.
    if (this.isOver || this.#next === null || this.awaits !== null) return false
    const step = this.#next
    this.#next = null
    this.#take(step)
    return true
  }

  /** Ends the script with the run. A result that the last call has returned still counts. */
  end(): void {
    if (!this.isOver && this.thread.blocker === null) this.#finishPending()
    this.#isOver = true
  }

  /** Takes the result of a call that blocked and has returned since. */
  #finishPending(): void {
    const step = this.#pending
    if (step === null) return
    const { returned } = this.thread
    assert(returned !== null, 'a thread that was blocked and goes on has returned')
    this.#pending = null
    if ('errno' in returned) this.#failed(step, returned.errno, '')
    else this.#succeeded(step, returned.value)
  }

  #take(step: CallStep): void {
    const { machine } = this.#stage
    const { thread } = this
    try {
      const outcome = machine.call(thread.parent.pid, thread.tid, this.#callOf(step))
      if ('blocked' in outcome) this.#pending = step
      else if (!thread.isDead) this.#succeeded(step, outcome.returned)
    } catch (error) {
      if (error instanceof KernelError) this.#failed(step, error.errno, `: ${error.message}`)
      else if (error instanceof NoValue) this.#fault(step, error.message)
      else if (error instanceof ZodError) this.#fault(step, `${step.call}: ${explain(error)}`)
      else throw error
    }
  }

  /** @throws NoValue, ZodError */
  #callOf({ call, args }: CallStep): ReturnType<typeof parseCall> {
    const { bindings, random } = this.#stage
    const lookUp = (reference: Reference) => bindings.valueOf(reference, this.#own)
    return parseCall({ call, ...(evaluate(args, { lookUp, random }) as object) })
  }

  #succeeded(step: CallStep, value: Result): void {
    this.#bind(step, value)
    if (step.fails !== null) this.#fault(step, `${step.call} succeeded, and was to fail with ${step.fails}`)
    else if (step.runs !== null) this.#stage.begin(this.#madeBy(value), step.runs)
  }

  #madeBy({ pid, tid }: Result): ModelThread {
    const { machine } = this.#stage
    const process = pid === undefined ? this.thread.parent : machine.processes.get(Number(pid))
    return process.threads.get(tid === undefined ? 1 : Number(tid))!
  }

  #failed(step: CallStep, errno: Errno, why: string): void {
    this.#bind(step, { errno })
    if (step.fails === errno) this.#stage.confirm(step)
    if (step.fails === errno || step.mayFail === errno) return
    const repeat = this.#cursor.breakOut(errno)
    if (repeat !== null) this.#stage.confirm(repeat)
    else {
      const otherwise = step.fails === null ? '' : `, and was to fail with ${step.fails}`
      this.#fault(step, `${step.call} failed with ${errno}${otherwise}${why}`)
    }
  }

  #bind({ as }: CallStep, result: Result): void {
    if (as !== null) this.#stage.bindings.bind(as, result, this.#own)
  }

  /** Reports a fault and ends the script, because the next steps may depend on this one. */
  #fault(step: CallStep | RepeatStep, message: string): void {
    this.#isOver = true
    this.#stage.fault(step, `${this.label}: ${message}`)
  }
}

function explain({ issues }: ZodError): string {
  return issues.map(({ path, message }) => `${path.map((key) => `${String(key)}: `).join('')}${message}`).join('; ')
}

/**
 * Runs every interleaving of the kernel calls of a small system through the real kernel, and compares the deadlock
 * detector with the truth: a thread is stuck when no continuation by the others ever releases it.
 */

import { KernelError } from '../../../../src/kernel/errno.ts'
import { canonicalStates } from '../../../../src/kernel/states.ts'
import type { Machine } from '../../../../src/model/machine.ts'
import { exportState, importState, type MachineState } from '../../../../src/model/state/state.ts'
import type { AnyEvent } from '../../../support/any-event.ts'
import { detectedKnots, knotsByDefinition, reachedFrom, releasersIfReceiversReply, stuckThreads } from './definition.ts'
import { StateGraph } from './state-graph.ts'
import { buildSystem, keyOf, livingThreads, type Move, movesOf, Places, type SystemPlan } from './system.ts'

/** Totals over all states of one system. */
export interface Found {
  readonly states: number
  readonly transitions: number
  /** Pairs of a state and a thread that is truly stuck there. */
  readonly stuck: number
  /** Pairs among them that the detector knew. */
  readonly detected: number
  /** Number of deadlock events by type. */
  readonly eventCounts: Readonly<Record<string, number>>
  /** Mistakes of the detector with their counts; empty if it is right. */
  readonly mistakes: ReadonlyMap<string, number>
}

/** A state on the current path of the depth-first search. */
interface OpenState {
  readonly id: number
  /** The move that led here from the state before it. Null: the initial state. */
  readonly madeBy: Move | null
  /** Null: rebuilt by replaying the moves since the last saved state. */
  readonly saved: MachineState | null
  readonly moves: readonly Move[]
  next: number
}

/** A state is saved every so many steps. Paths are long, and a few replayed calls cost less than a saved state. */
const stepsBetweenSaved = 12

export class Exploration {
  readonly #plan: SystemPlan
  readonly #places: Places
  readonly #graph = new StateGraph()
  readonly #ids = new Map<string, number>()
  readonly #mistakes = new Map<string, number>()
  readonly #eventCounts: Record<string, number> = {}
  readonly #onProgress: (states: number) => void

  constructor(plan: SystemPlan, onProgress: (states: number) => void = () => {}) {
    this.#plan = plan
    this.#places = new Places(plan)
    this.#onProgress = onProgress
  }

  run(): Found {
    const first = buildSystem(this.#plan)
    // The machine after the last move, as long as nothing has changed it since.
    let live: Machine | null = first
    const open = [this.#enter(first, keyOf(first), { madeBy: null, depth: 0 })]
    for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
      const move = at.moves[at.next++]
      if (move === undefined) {
        open.pop()
        live = null
        continue
      }
      const machine: Machine = live ?? restore(open)
      if (!this.#perform(machine, move)) {
        live = machine
        continue
      }
      live = null
      const key = keyOf(machine)
      const known = this.#ids.get(key)
      const to = known ?? this.#ids.size
      this.#graph.link(at.id, to)
      if (known !== undefined) continue
      open.push(this.#enter(machine, key, { madeBy: move, depth: open.length }))
      live = machine
    }
    return this.#judge()
  }

  #enter(machine: Machine, key: string, { madeBy, depth }: { madeBy: Move | null; depth: number }): OpenState {
    const id = this.#ids.size
    this.#ids.set(key, id)
    if (this.#ids.size % 10_000 === 0) this.#onProgress(this.#ids.size)
    const all = (1 << this.#places.count) - 1
    let waiting = 0
    let detected = 0
    let excused = 0
    for (const thread of livingThreads(machine)) {
      const bit = 1 << this.#places.of(thread)
      if (thread.blocker !== null) waiting |= bit
      const isKnown = this.#plan.onlyReceiversReply ? 'isSuspectThread' : 'isStuckThread'
      if (machine.kernel.deadlocks[isKnown](thread)) detected |= bit
      if (this.#isUntraced(thread)) excused |= bit
    }
    this.#graph.add({ free: all & ~waiting, detected, excused })
    const saved = depth % stepsBetweenSaved === 0 ? exportState(machine) : null
    return { id, madeBy, saved, moves: movesOf(machine, this.#plan), next: 0 }
  }

  /** @returns true if the thread, or one that its waits lead to, is blocked in a state that is not traced. */
  #isUntraced(thread: Parameters<typeof releasersIfReceiversReply>[0]): boolean {
    const releasers = this.#plan.onlyReceiversReply ? releasersIfReceiversReply : undefined
    const isBlockedOtherwise = (other: typeof thread) =>
      other.blocker !== null && releasersIfReceiversReply(other) === null
    return isBlockedOtherwise(thread) || [...reachedFrom(thread, releasers)].some(isBlockedOtherwise)
  }

  /** @returns false if the call was refused and so changed nothing. */
  #perform(machine: Machine, { pid, tid, call }: Move): boolean {
    const events: AnyEvent[] = []
    const dispose = machine.kernel.onEvent((event) => events.push(event))
    try {
      machine.call(pid, tid, call)
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      return false
    } finally {
      dispose()
    }
    this.#check(machine, events)
    return true
  }

  #check(machine: Machine, events: readonly AnyEvent[]): void {
    const stuck = stuckThreads(machine)
    const suspects = stuckThreads(machine, releasersIfReceiversReply)
    for (const thread of livingThreads(machine)) {
      if (machine.kernel.deadlocks.isStuckThread(thread) !== stuck.has(thread))
        this.#recordMistake(
          `${thread.blocker?.state}: ${stuck.has(thread) ? 'stuck and not found' : 'found and not stuck'}`,
        )
      if (machine.kernel.deadlocks.isSuspectThread(thread) !== suspects.has(thread))
        this.#recordMistake(`${thread.blocker?.state}: suspected against the definition`)
    }
    const [actual, defined] = [detectedKnots(machine).join(', '), knotsByDefinition(stuck).join(', ')]
    if (actual !== defined) this.#recordMistake('deadlocks differ from the definition')
    for (const event of events) if (event.type.startsWith('deadlock.')) this.#checkEvent(event, events)
  }

  #checkEvent({ type, data }: AnyEvent, events: readonly AnyEvent[]): void {
    this.#eventCounts[type] = (this.#eventCounts[type] ?? 0) + 1
    if (type === 'deadlock.resolved') {
      if (data.was !== 'suspected') this.#recordMistake('a deadlock ended by ordinary calls')
      return
    }
    const { what, thread, state } = data.closing as { what: string; thread: string; state: string }
    const isEntry = (event: AnyEvent) =>
      event.type === 'thread.changed' && event.subject === thread && event.data.state === state
    const isEnd = (event: AnyEvent) => event.type === 'thread.died' && event.subject === thread
    const isTrue =
      what === 'blocked'
        ? (canonicalStates as readonly string[]).includes(state) && events.some(isEntry)
        : what === 'ended' && events.some(isEnd)
    if (!isTrue && type !== 'deadlock.suspected') this.#recordMistake(`closed by ${what} ${state}`)
    const members = data.members as readonly { state: string }[]
    if (what === 'blocked' && !members.some((member) => (canonicalStates as readonly string[]).includes(member.state)))
      this.#recordMistake('a deadlock without a warning from any canonical timer')
  }

  #judge(): Found {
    const { stuck, detected, unsound, missed } = this.#graph.judge(this.#places.count)
    for (let count = 0; count < unsound; count++)
      this.#recordMistake('unsound: detected, and released by a continuation')
    for (let count = 0; count < missed; count++)
      this.#recordMistake('incomplete: never released, all traced, and not detected')
    return {
      states: this.#ids.size,
      transitions: this.#graph.transitions,
      stuck,
      detected,
      eventCounts: this.#eventCounts,
      mistakes: this.#mistakes,
    }
  }

  #recordMistake(what: string): void {
    this.#mistakes.set(what, (this.#mistakes.get(what) ?? 0) + 1)
  }
}

/** Rebuilds the machine in the last of these states. */
function restore(open: readonly OpenState[]): Machine {
  const from = open.findLastIndex(({ saved }) => saved !== null)
  const { machine } = importState(open[from]!.saved!)
  for (const { madeBy } of open.slice(from + 1)) machine.call(madeBy!.pid, madeBy!.tid, madeBy!.call)
  return machine
}

/** Times one wait of one thread for a default deadlock timeout, and defines the two events that a long wait causes. */

import type { Emit } from '../events.ts'
import type { Thread } from '../nodes/thread.ts'
import type { ThreadState } from '../states.ts'
import { WheelTimer } from '../time/timer-wheel.ts'
import { chainOf } from './chain.ts'
import type { DefaultTimeout, TimeoutDefinition } from './default-timeout.ts'

/** Passing states, which neither start nor end a wait. */
export const passing: ReadonlySet<ThreadState | null> = new Set<ThreadState>(['WAITPAGE', 'STACK', 'WAITCTX'])

/** One wait of one thread, with the timeout that applied when counting began or when the warning was emitted. */
export class TimedWait extends WheelTimer {
  readonly thread: Thread
  /** After a warning, the timeout may have been removed already. */
  readonly timeout: Pick<DefaultTimeout, 'path' | 'definition'>
  /** When the blocking began, in ms of Unix time. */
  readonly begin: number
  /** Beginning as it is reported. Before a restart it may have been seen earlier than `begin`. */
  since: number
  /** The state for which a warning was emitted; null when none was. */
  warned: ThreadState | null = null
  /** It is in a state that neither starts nor stops the time. */
  isPassing = false

  constructor(thread: Thread, timeout: TimedWait['timeout'], begin: number) {
    super()
    this.thread = thread
    this.timeout = timeout
    this.begin = begin
    this.since = begin
  }
}

/** A warning which was emitted before a restart. */
export interface WarnedWait {
  /** Pathname of the timeout. */
  readonly timeout: string
  /** Undefined if the timeout is not set any more. */
  readonly definition: TimeoutDefinition | undefined
  readonly state: ThreadState
  readonly since: number
}

/** State of a wait which is being timed or was warned about, as it is saved. */
export interface TimedWaitState {
  readonly begin: number
  /** Pathname of its timeout. */
  readonly timeout: string
  readonly definition: TimeoutDefinition
  readonly warned: ThreadState | null
  readonly isPassing: boolean
  /** Its place in the order of arming; null when its time does not count. */
  readonly place: number | null
}

/** @param place In the order of arming; null when its time does not count. */
export function timedWaitState(wait: TimedWait, place: number | null): TimedWaitState {
  const { begin, timeout, warned, isPassing } = wait
  return { begin, timeout: timeout.path, definition: timeout.definition, warned, isPassing, place }
}

/**
 * Beginning of the wait in which a thread is; null when its state is not timed. Going straight from one timed state to
 * another does not begin another wait.
 */
export function beginOf(
  thread: Thread,
  { definition }: TimedWait['timeout'],
  known: TimedWait | undefined,
): number | null {
  const { condition, former } = thread
  const isTimed = (state: ThreadState | null) => (definition.states as readonly (ThreadState | null)[]).includes(state)
  if (!isTimed(condition.state)) return null
  if (known?.isPassing) return known.begin
  return former !== null && isTimed(former.state) ? former.since : condition.since
}

export function dueAt({ begin, timeout }: TimedWait): number {
  return Math.ceil(begin) + (timeout.definition.afterMs ?? 0)
}

interface EventPorts {
  readonly emit: Emit
  readonly now: () => number
}

/** Emits `deadlock.warning` for a wait which is too long. */
export function emitWarning({ emit, now }: EventPorts, wait: TimedWait, initial: boolean): void {
  const { thread, begin, timeout } = wait
  const { condition, waitsOn } = thread
  emit('deadlock.warning', {
    ...placesOf(wait),
    data: {
      ...timedData(wait),
      state: condition.state,
      ...(waitsOn !== null && { on: waitsOn }),
      ...(!condition.certain && { certain: false, ...(condition.why !== null && { why: condition.why }) }),
      blocked: inMs(now() - begin),
      after: inMs(timeout.definition.afterMs ?? 0),
      ...chainOf(thread),
      initial,
    },
  })
}

/** Emits `deadlock.eased`: a thread which caused a warning has continued or ended. */
export function emitEased(
  { emit, now }: EventPorts,
  wait: TimedWait,
  states: { readonly warned: ThreadState; readonly present: ThreadState | null },
): void {
  emit('deadlock.eased', {
    ...placesOf(wait),
    data: {
      ...timedData(wait),
      state: states.warned,
      now: states.present,
      blocked: inMs(now() - wait.since),
    },
  })
}

function placesOf({ thread: { path: subject, parent }, timeout: { path } }: TimedWait) {
  return { subject, about: parent.partition === null ? [path] : [path, parent.partition.path] }
}

function timedData({ thread: { tid, name, parent }, timeout, since }: TimedWait) {
  const { pid, identity } = parent
  return { timeout: timeout.path, pid, tid, name, identity, since: new Date(since).toISOString() }
}

function inMs(ms: number): string {
  return `${Math.round(ms)}ms`
}

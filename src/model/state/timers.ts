/** Saves and restores timers with their order of arming: timers which are due at the same time expire in that order. */

import type { TimedWaitState } from '../../kernel/deadlock/timed-wait.ts'
import type { Thread } from '../../kernel/nodes/thread.ts'
import type { ThreadState } from '../../kernel/states.ts'
import type { Machine } from '../machine.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { CpuExpiry, KernelTimer, type ModelTimer, ThreadTimeout, type TimerNotice } from '../objects/timer.ts'
import { there } from './references.ts'
import { signalNamed } from './signals.ts'

/** Time and order of an armed timer; null when it is not armed. */
export type ArmedState = { readonly at: number; readonly place: number } | null

/** `coid` is null when the connection was detached. */
export type NoticeState =
  | { readonly kind: 'pulse'; readonly coid: number | null; readonly code: number; readonly value: number }
  | { readonly kind: 'signal'; readonly signal: string; readonly code: number; readonly value: number }

export interface TimerState {
  readonly timerid: number
  readonly notice: NoticeState
  readonly intervalMs: number
  readonly overruns: number
  readonly armed: ArmedState
}

export interface SavedTimeout {
  readonly states: readonly ThreadState[]
  readonly due: number
  readonly armed: ArmedState
}

export interface ShareState {
  readonly us: number
  readonly armed: ArmedState
}

/** The order of arming of all timers of a machine. */
export class Places {
  readonly #places: ReadonlyMap<ModelTimer, number>
  /** State of the default timers. */
  readonly timed: ReadonlyMap<Thread, TimedWaitState>

  constructor({ wheel, kernel }: Machine) {
    this.#places = new Map(wheel.armed().map((timer, place) => [timer, place]))
    this.timed = kernel.timers.exportWaits()
  }

  of(timer: ModelTimer): ArmedState {
    const place = this.#places.get(timer)
    return place === undefined ? null : { at: timer.at, place }
  }
}

/** Collects timers while they are restored, and arms them in their order at the end. */
export class Arming {
  readonly #armed: { timer: ModelTimer; at: number; place: number }[] = []

  add<T extends ModelTimer>(timer: T, armed: ArmedState): T {
    if (armed !== null) this.#armed.push({ timer, ...armed })
    return timer
  }

  arm({ wheel }: Machine): void {
    const inOrder = this.#armed.sort((one, other) => one.place - other.place)
    for (const { timer, at } of inOrder) wheel.arm(timer, at)
  }
}

export function exportTimers({ timers }: ModelProcess, places: Places): TimerState[] {
  return [...timers.values()].map((timer) => {
    const { timerid, notice, intervalMs, overruns } = timer
    return { timerid, notice: exportNotice(notice), intervalMs, overruns, armed: places.of(timer) }
  })
}

function exportNotice(notice: TimerNotice): NoticeState {
  if (notice.kind === 'signal') return { ...notice, signal: notice.signal.name }
  const { kind, connection, code, value } = notice
  return { kind, coid: connection === null || connection.detached ? null : connection.coid, code, value }
}

/** Preconditions: the connections of the process are restored. */
export function importTimers(process: ModelProcess, states: readonly TimerState[], arming: Arming): void {
  for (const { timerid, notice, intervalMs, overruns, armed } of states) {
    const timer = new KernelTimer({ timerid, process, notice: importNotice(process, notice) })
    timer.intervalMs = intervalMs
    timer.overruns = overruns
    process.timers.set(timerid, arming.add(timer, armed))
  }
}

function importNotice({ connections }: ModelProcess, notice: NoticeState): TimerNotice {
  if (notice.kind === 'signal') return { ...notice, signal: signalNamed(notice.signal) }
  const { kind, coid, code, value } = notice
  return { kind, connection: coid === null ? null : there(connections.get(coid)), code, value }
}

export function exportTimeout({ timeout }: ModelThread, places: Places): SavedTimeout | null {
  return timeout === null ? null : { states: [...timeout.states], due: timeout.due, armed: places.of(timeout) }
}

export function importTimeout(
  thread: ModelThread,
  { states, due, armed }: SavedTimeout,
  arming: Arming,
): ThreadTimeout {
  return arming.add(new ThreadTimeout({ thread, states: new Set(states), due }), armed)
}

export function exportShares({ shares }: ModelThread, places: Places): ShareState[] {
  return [...(shares ?? [])].map((share) => ({ us: share.us, armed: places.of(share) }))
}

export function importShares(thread: ModelThread, states: readonly ShareState[], arming: Arming): void {
  if (states.length === 0) return
  thread.shares = new Set(states.map(({ us, armed }) => arming.add(new CpuExpiry(thread, us), armed)))
  for (const { us } of states) thread.recentUs += us
}

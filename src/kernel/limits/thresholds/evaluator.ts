/** Evaluates a threshold at one node: crossings of a trip point, any change, and the ends of waiting times. */

import { assert } from '../../errno.ts'
import type { ClearReason } from '../../events/reasons.ts'
import type { TimerWheel } from '../../time/timer-wheel.ts'
import { type Guard, guardOf } from '../guard.ts'
import type { Reading } from '../readings.ts'
import type { Usage } from '../usage.ts'
import { isPercentage, NotifierTimer, pointValue, type ThresholdWatch } from './threshold.ts'

/** An event of a watch, before its data is complete. */
export type WatchEvent =
  | { readonly type: 'threshold.tripped'; readonly initial: boolean }
  | { readonly type: 'threshold.cleared'; readonly reason: ClearReason }
  | { readonly type: 'threshold.unknown'; readonly reason: string }
  | { readonly type: 'threshold.known' }
  | { readonly type: 'limit.changed'; readonly from: number; readonly changes: number }

interface JudgeParts {
  readonly usage: Usage
  readonly wheel: TimerWheel<NotifierTimer>
  /** ms of Unix time. */
  readonly now: () => number
  readonly read: (watch: ThresholdWatch) => Reading
  readonly emit: (watch: ThresholdWatch, event: WatchEvent) => void
}

export class Evaluator {
  readonly #parts: JudgeParts

  constructor(parts: JudgeParts) {
    this.#parts = parts
  }

  /** Preconditions: the watch is in its guard. */
  judge(watch: ThresholdWatch): void {
    const now = this.#parts.read(watch)
    if (watch.threshold.definition.on === 'change') this.#judgeChange(watch, now)
    else this.#judgeCrossing(watch, now)
  }

  /** The waiting time of a watch is over. Preconditions: all changes until now have been evaluated. */
  expire(watch: ThresholdWatch): void {
    if (watch.threshold.definition.on === 'change') this.judge(watch)
    else this.#trip(watch)
  }

  /** Sets the state that the watch would have at once. Emits and stores nothing else. */
  preview(watch: ThresholdWatch): void {
    const { threshold } = watch
    const now = this.#parts.read(watch)
    const { past, proven } = this.#crossing(watch, now)
    if (past === null) return
    watch.state = past && proven && threshold.forMs === null ? 'tripped' : 'armed'
  }

  /** Cancels the waiting of a watch. */
  rest({ timer }: ThresholdWatch): void {
    if (timer !== null) this.#parts.wheel.cancel(timer)
  }

  /** `past` is null if it is not known. A threshold on any change has no point. */
  #crossing(
    { threshold, node }: ThresholdWatch,
    { value, unreadable }: Reading,
  ): { past: boolean | null; proven: boolean } {
    const { at, direction } = threshold.definition
    const rising = direction === 'rising'
    // A lower bound proves a rise and never a fall.
    const proven = rising || unreadable === 0
    if (value === null) return { past: null, proven }
    if (at === null) return { past: false, proven }
    const trip = pointValue(at, this.#parts.usage.capacity(node, threshold.index), direction)
    if (Number.isNaN(trip)) return { past: null, proven }
    return { past: rising ? value >= trip : value <= trip, proven }
  }

  #judgeCrossing(watch: ThresholdWatch, now: Reading): void {
    const { past, proven } = this.#crossing(watch, now)
    if (past === null || (watch.state !== 'tripped' && this.#isBoundless(watch))) {
      this.#lose(watch, now)
      this.rest(watch)
      return
    }
    this.#regain(watch)
    if (watch.state === 'tripped') this.#judgeReturn(watch, now, past)
    else if (past && proven) this.#pass(watch)
    else {
      this.rest(watch)
      watch.state = 'armed'
      watch.fresh = false
    }
  }

  /**
   * The threshold does not know any more whether it has to trip. A node that was not read yet is no loss, but one that
   * turns out to have no capacity for a percentage is.
   */
  #lose(watch: ThresholdWatch, now: Reading): void {
    if (watch.state === 'tripped') return
    const isLoss = watch.state === 'armed' || (now.value !== null && this.#isBoundless(watch))
    watch.state = 'unknown'
    const reason = isLoss && !watch.isLost ? this.#whyLost(watch, now) : null
    if (reason === null) return
    watch.isLost = true
    this.#parts.emit(watch, { type: 'threshold.unknown', reason })
  }

  #whyLost({ node, threshold }: ThresholdWatch, { value, unreadable }: Reading): string | null {
    if (value !== null)
      return Number.isNaN(this.#parts.usage.capacity(node, threshold.index))
        ? 'its capacity cannot be read'
        : 'it has no finite capacity'
    if (unreadable === 0) return null
    return this.#parts.usage.whyUnreadable(node, threshold.index) ?? `${unreadable} parts cannot be read`
  }

  /**
   * The capacity of a percentage was removed since it was set. With `per`, nodes without a capacity are skipped and
   * counted instead.
   */
  #isBoundless({ node, threshold }: ThresholdWatch): boolean {
    const { at, per } = threshold.definition
    if (per !== null || at === null || !isPercentage(at)) return false
    return this.#parts.usage.capacity(node, threshold.index) === Number.POSITIVE_INFINITY
  }

  #regain(watch: ThresholdWatch): void {
    if (!watch.isLost) return
    watch.isLost = false
    this.#parts.emit(watch, { type: 'threshold.known' })
  }

  /** Usage is past the point. With `for` it has to stay there. */
  #pass(watch: ThresholdWatch): void {
    const { forMs } = watch.threshold
    if (forMs === null) this.#trip(watch)
    else if (!watch.timer?.isArmed) {
      watch.state = 'armed'
      this.#wait(watch, this.#parts.now() + forMs)
    }
  }

  #trip(watch: ThresholdWatch): void {
    const { fresh } = watch
    watch.state = 'tripped'
    watch.fresh = false
    this.#parts.emit(watch, { type: 'threshold.tripped', initial: fresh })
  }

  /** Without a capacity it is not known whether usage is back at a percentage, so the threshold stays tripped. */
  #judgeReturn(watch: ThresholdWatch, now: Reading, past: boolean): void {
    const { node, threshold } = watch
    const { at, rearm, direction, once } = threshold.definition
    const rising = direction === 'rising'
    if (once || now.value === null || !provesReturn(now, rising)) return
    const capacity = this.#parts.usage.capacity(node, threshold.index)
    if (at !== null && isPercentage(at) && !Number.isFinite(capacity)) return
    const back = rearm === null ? null : pointValue(rearm, capacity, direction)
    const cleared = back === null ? !past : rising ? now.value <= back : now.value >= back
    if (!cleared) return
    watch.state = 'armed'
    this.#parts.emit(watch, { type: 'threshold.cleared', reason: 'rearmed' })
  }

  #judgeChange(watch: ThresholdWatch, now: Reading): void {
    if (watch.state === 'tripped') return
    if (now.value === null) {
      this.#lose(watch, now)
      return
    }
    this.#regain(watch)
    const { value } = now
    const guard = guardOfWatch(watch)
    if (watch.state === 'unknown') this.#find(watch, value, guard)
    const { reported, threshold } = watch
    assert(reported !== null, 'a watch with a value has a value to compare with')
    const changes = guard.changes - reported.changes
    const { delta, once } = threshold.definition
    if (changes === 0 || (delta !== null && Math.abs(value - reported.value) < delta)) return
    const due = reported.at === null ? 0 : reported.at + (threshold.everyMs ?? 0)
    if (this.#parts.now() < due) {
      if (!watch.timer?.isArmed) this.#wait(watch, due)
      return
    }
    this.rest(watch)
    watch.reported = { value, changes: guard.changes, at: this.#parts.now() }
    if (once) watch.state = 'tripped'
    this.#parts.emit(watch, { type: 'limit.changed', from: reported.value, changes })
  }

  /** The value can be read, for the first time or again. A difference since the last reading counts as one change. */
  #find(watch: ThresholdWatch, value: number, { changes }: Guard): void {
    const { reported } = watch
    watch.state = 'armed'
    watch.fresh = false
    watch.reported =
      reported === null
        ? { value, changes, at: null }
        : { ...reported, changes: changes - Number(value !== reported.value) }
  }

  #wait(watch: ThresholdWatch, until: number): void {
    watch.timer ??= new NotifierTimer(watch)
    this.#parts.wheel.arm(watch.timer, Math.ceil(until))
  }
}

/**
 * A lower bound proves no return from above; an estimate (a high-water mark) may trip but only a true reading clears.
 */
function provesReturn({ unreadable, estimated }: Reading, rising: boolean): boolean {
  return estimated === 0 && (!rising || unreadable === 0)
}

export function guardOfWatch({ node, threshold }: ThresholdWatch): Guard {
  const guard = guardOf(node, threshold.index)
  assert(guard !== null, 'a watched limit has a guard')
  return guard
}

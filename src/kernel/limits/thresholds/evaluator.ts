/** How a threshold stands at one node, by what usage is there: the two kinds of it, and what comes with time. */

import { assert } from '../../errno.ts'
import type { TimerWheel } from '../../time/timer-wheel.ts'
import { type Guard, guardOf } from '../guard.ts'
import type { Reading } from '../readings.ts'
import type { Usage } from '../usage.ts'
import { NotifierTimer, pointValue, type ThresholdWatch } from './threshold.ts'

/** What there is to tell of a watch. */
export type News =
  | { readonly type: 'threshold.tripped'; readonly initial: boolean }
  | { readonly type: 'threshold.cleared'; readonly reason: ClearReason }
  | { readonly type: 'limit.changed'; readonly from: number; readonly changes: number }

export type ClearReason = 'rearmed' | 'died' | 'deleted' | 'replaced' | 'expired' | 'disabled' | 'filtered'

interface JudgeParts {
  readonly usage: Usage
  readonly wheel: TimerWheel<NotifierTimer>
  /** ms of Unix time. */
  readonly now: () => number
  readonly read: (watch: ThresholdWatch) => Reading
  readonly tell: (watch: ThresholdWatch, news: News) => void
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

  /** The time that it waited for has come. Preconditions: all changes until now have been judged. */
  expire(watch: ThresholdWatch): void {
    if (watch.threshold.definition.on === 'change') this.judge(watch)
    else this.#trip(watch)
  }

  /** How a node would stand at once: nothing is told, nothing kept. */
  preview(watch: ThresholdWatch): void {
    const { threshold } = watch
    const now = this.#parts.read(watch)
    const { past, proven } = this.#crossing(watch, now)
    if (past === null) return
    watch.state = past && proven && threshold.forMs === null ? 'tripped' : 'armed'
  }

  /** It waits for nothing any more. */
  rest({ timer }: ThresholdWatch): void {
    if (timer !== null) this.#parts.wheel.cancel(timer)
  }

  /** Null where that is not known. Any change is past no point. */
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
    if (past === null) {
      if (watch.state === 'armed') watch.state = 'unknown'
      this.rest(watch)
    } else if (watch.state === 'tripped') this.#judgeReturn(watch, now, past)
    else if (past && proven) this.#pass(watch)
    else {
      this.rest(watch)
      watch.state = 'armed'
      watch.fresh = false
    }
  }

  /** It is past, and has to stay there where there is a `for`. */
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
    this.#parts.tell(watch, { type: 'threshold.tripped', initial: fresh })
  }

  #judgeReturn(watch: ThresholdWatch, now: Reading, past: boolean): void {
    const { node, threshold } = watch
    const { rearm, direction, once } = threshold.definition
    const rising = direction === 'rising'
    if (once || now.value === null || !provesReturn(now, rising)) return
    const capacity = this.#parts.usage.capacity(node, threshold.index)
    const back = rearm === null ? null : pointValue(rearm, capacity, direction)
    const cleared = back === null ? !past : rising ? now.value <= back : now.value >= back
    if (!cleared) return
    watch.state = 'armed'
    this.#parts.tell(watch, { type: 'threshold.cleared', reason: 'rearmed' })
  }

  #judgeChange(watch: ThresholdWatch, { value }: Reading): void {
    if (watch.state === 'tripped') return
    if (value === null) {
      watch.state = 'unknown'
      return
    }
    const guard = guardOfWatch(watch)
    if (watch.state === 'unknown') this.#find(watch, value, guard)
    const { told, threshold } = watch
    assert(told !== null, 'what has been found is held against something')
    const changes = guard.changes - told.changes
    const { delta, once } = threshold.definition
    if (changes === 0 || (delta !== null && Math.abs(value - told.value) < delta)) return
    const due = told.at === null ? 0 : told.at + (threshold.everyMs ?? 0)
    if (this.#parts.now() < due) {
      if (!watch.timer?.isArmed) this.#wait(watch, due)
      return
    }
    this.rest(watch)
    watch.told = { value, changes: guard.changes, at: this.#parts.now() }
    if (once) watch.state = 'tripped'
    this.#parts.tell(watch, { type: 'limit.changed', from: told.value, changes })
  }

  /** It can be read, for the first time or again: what happened meanwhile counts as one change, if it left a trace. */
  #find(watch: ThresholdWatch, value: number, { changes }: Guard): void {
    const { told } = watch
    watch.state = 'armed'
    watch.fresh = false
    watch.told =
      told === null ? { value, changes, at: null } : { ...told, changes: changes - Number(value !== told.value) }
  }

  #wait(watch: ThresholdWatch, until: number): void {
    watch.timer ??= new NotifierTimer(watch)
    this.#parts.wheel.arm(watch.timer, Math.ceil(until))
  }
}

/** A lower bound proves no return from above; an estimate (a high-water mark) may trip but only a true reading clears. */
function provesReturn({ unreadable, estimated }: Reading, rising: boolean): boolean {
  return estimated === 0 && (!rising || unreadable === 0)
}

export function guardOfWatch({ node, threshold }: ThresholdWatch): Guard {
  const guard = guardOf(node, threshold.index)
  assert(guard !== null, 'what is watched is guarded')
  return guard
}

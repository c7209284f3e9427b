/**
 * Runs the timers of a kernel that has no clock, in a hierarchical wheel of four levels of 256 slots, one millisecond a
 * tick. To arm and to cancel is a link in a list, however many timers there are. Times are whole ms of the kernel's
 * clock.
 *
 * A timer's level is that of the highest byte in which its time differs from now. So all timers of one time lie in one
 * slot at any moment, in the order in which they were armed, and as time enters a slot of a higher level only that one
 * slot is dealt out to the levels below. What lies in another span of 2^32 ms (49 days) waits in one list of its own.
 */

import { assert } from '../errno.ts'

const slotsPerLevel = 256
const topLevel = 3
const farSlot = slotsPerLevel * (topLevel + 1)
const spanMs = 2 ** 32
const unarmed = -1

/** A timer that the wheel links into its lists. Everything that can expire extends this class. */
export class WheelTimer {
  /** The expiry while it is armed. A time that had already passed counts as the moment of arming. */
  at = 0
  // Written by the wheel only.
  slot = unarmed
  next: this | null = null
  previous: this | null = null

  get isArmed(): boolean {
    return this.slot !== unarmed
  }
}

export class TimerWheel<T extends WheelTimer> {
  readonly #heads: (T | null)[] = new Array<T | null>(farSlot + 1).fill(null)
  readonly #tails: (T | null)[] = new Array<T | null>(farSlot + 1).fill(null)
  /** One bit for each slot, set while there may be a timer in it. Only the search clears it, when it finds none. */
  readonly #occupied = new Int32Array(farSlot >> 5)
  #now: number
  /** The end of the present span of 2^32 ms. */
  #spanEnd: number
  /** The earliest expiry; Infinity if no timer is armed, NaN if it has to be searched for. */
  #earliest = Number.POSITIVE_INFINITY
  #advancing = false

  constructor(now: number) {
    assert(Number.isSafeInteger(now), 'a clock begins at a whole ms')
    this.#now = now
    this.#spanEnd = endOfSpan(now)
  }

  /** The time that the wheel has reached; while timers are fired, that of the one which fires. */
  get now(): number {
    return this.#now
  }

  /** An armed timer is moved; a time that has passed is due at the next `advance`, or still in the one under way. */
  arm(timer: T, at: number): void {
    assert(Number.isSafeInteger(at), 'a timer expires at a whole ms')
    if (timer.slot !== unarmed) this.cancel(timer)
    timer.at = Math.max(at, this.#now)
    if (timer.at < this.#earliest) this.#earliest = timer.at
    this.#place(timer)
  }

  /** A timer that is not armed is left as it is. */
  cancel(timer: T): void {
    const { slot, next, previous } = timer
    if (slot === unarmed) return
    if (previous === null) this.#heads[slot] = next
    else previous.next = next
    if (next === null) this.#tails[slot] = previous
    else next.previous = previous
    timer.slot = unarmed
    timer.next = null
    timer.previous = null
    if (timer.at === this.#earliest) this.#earliest = Number.NaN
  }

  /**
   * Fires all timers due up to and at `now`: in order of expiry, at one time in the order in which they were armed. A
   * timer is no longer armed when it fires; `fire` may arm and cancel any, also this one again.
   * Preconditions: time does not run backwards; `fire` does not advance the wheel; it does not arm for ever within
   * `now`.
   */
  advance(now: number, fire: (timer: T) => void): void {
    assert(Number.isSafeInteger(now) && now >= this.#now, 'time runs forwards, in whole ms')
    assert(!this.#advancing, 'the wheel is not advanced by what it fires')
    this.#advancing = true
    try {
      for (let next = this.#lookUp(); next <= now; next = this.#lookUp()) {
        this.#moveTo(next)
        const slot = next & (slotsPerLevel - 1)
        assert(this.#head(slot) !== null, 'a timer that is due is in the slot of its time')
        for (let due = this.#head(slot); due !== null; due = this.#head(slot)) {
          this.cancel(due)
          fire(due)
        }
      }
      this.#moveTo(now)
    } finally {
      this.#advancing = false
    }
  }

  /** The earliest expiry; null if no timer is armed. */
  nextAt(): number | null {
    const next = this.#lookUp()
    return next === Number.POSITIVE_INFINITY ? null : next
  }

  /** The armed timers, in the order in which they will fire. */
  armed(): T[] {
    const all: T[] = []
    for (const head of this.#heads) {
      for (let timer = head; timer !== null; ) {
        const { next }: { next: T | null } = timer
        all.push(timer)
        timer = next
      }
    }
    // Timers of one time are in one slot, in the order in which they were armed.
    return all.sort((one, other) => one.at - other.at)
  }

  #head(slot: number): T | null {
    return this.#heads[slot] ?? null
  }

  #place(timer: T): void {
    const slot = this.#slotAt(timer.at)
    const tail = this.#tails[slot] ?? null
    timer.slot = slot
    timer.previous = tail
    if (tail === null) {
      this.#heads[slot] = timer
      if (slot !== farSlot) this.#occupied[slot >> 5]! |= 1 << (slot & 31)
    } else tail.next = timer
    this.#tails[slot] = timer
  }

  #slotAt(at: number): number {
    if (at >= this.#spanEnd) return farSlot
    const differing = (at ^ this.#now) >>> 0
    if (differing < 1 << 8) return at & 255
    if (differing < 1 << 16) return slotsPerLevel | ((at >>> 8) & 255)
    if (differing < 1 << 24) return (2 * slotsPerLevel) | ((at >>> 16) & 255)
    return (3 * slotsPerLevel) | (at >>> 24)
  }

  /** Preconditions: nothing is armed for any time before `time`. */
  #moveTo(time: number): void {
    const differing = (time ^ this.#now) >>> 0
    const entersSpan = time >= this.#spanEnd
    this.#now = time
    if (entersSpan) {
      this.#spanEnd = endOfSpan(time)
      this.#dealOut(farSlot)
    } else if (differing >= 1 << 24) this.#dealOut((3 * slotsPerLevel) | (time >>> 24))
    else if (differing >= 1 << 16) this.#dealOut((2 * slotsPerLevel) | ((time >>> 16) & 255))
    else if (differing >= 1 << 8) this.#dealOut(slotsPerLevel | ((time >>> 8) & 255))
  }

  /** Puts each timer of a slot where it belongs now, in the same order. */
  #dealOut(slot: number): void {
    let timer = this.#head(slot)
    this.#heads[slot] = null
    this.#tails[slot] = null
    while (timer !== null) {
      const { next }: { next: T | null } = timer
      timer.next = null
      this.#place(timer)
      timer = next
    }
  }

  /** Like `nextAt`, but Infinity if no timer is armed. */
  #lookUp(): number {
    if (Number.isNaN(this.#earliest)) this.#earliest = this.#search()
    return this.#earliest
  }

  /**
   * Every timer of a lower level is earlier than those of a higher one, and the slots of a level are in order of time.
   */
  #search(): number {
    for (let word = 0; word < this.#occupied.length; word++) {
      for (let bits = this.#occupied[word]!; bits !== 0; bits &= bits - 1) {
        const bit = 31 - Math.clz32(bits & -bits)
        const first = this.#head((word << 5) | bit)
        if (first === null) this.#occupied[word]! &= ~(1 << bit)
        // In a slot of the lowest level all expire at one time.
        else return word < slotsPerLevel >> 5 ? first.at : earliestOf(first)
      }
    }
    const first = this.#head(farSlot)
    return first === null ? Number.POSITIVE_INFINITY : earliestOf(first)
  }
}

function endOfSpan(time: number): number {
  return (Math.floor(time / spanMs) + 1) * spanMs
}

function earliestOf(first: WheelTimer): number {
  let earliest = first.at
  for (let timer = first.next; timer !== null; timer = timer.next) earliest = Math.min(earliest, timer.at)
  return earliest
}

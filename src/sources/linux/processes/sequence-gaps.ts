/**
 * Finds lost events by the connector's sequence numbers, of which every CPU has its own. Times are Unix milliseconds.
 */

export interface Loss {
  readonly count: number | null
  readonly from: number
  readonly to: number
  readonly why: string
}

/** Time that a gap may take to show after an overflow: until the CPU that lost events sends another one. */
export const overflowWaitMs = 1000

const overflowed = 'the receive buffer overflowed'
const noCpu = 0xffff_ffff

export class SequenceGaps {
  readonly #byCpu = new Map<number, { next: number; at: number }>()
  #overflow: { from: number; at: number; explained: boolean } | null = null
  #lastAt: number

  constructor(now: number) {
    this.#lastAt = now
  }

  /** The loss that shows before this event, or null. */
  record(cpu: number, sequence: number, at: number): Loss | null {
    this.#lastAt = at
    if (cpu === noCpu) return null
    const known = this.#byCpu.get(cpu)
    const next = (sequence + 1) >>> 0
    if (known === undefined) {
      this.#byCpu.set(cpu, { next, at })
      return null
    }
    const count = (sequence - known.next) >>> 0
    const from = known.at
    known.next = next
    known.at = at
    // A step backwards is no loss: the kernel restarted the count.
    if (count === 0 || count >= 0x8000_0000) return null
    if (this.#overflow) this.#overflow.explained = true
    return { count, from, to: at, why: this.#overflow ? overflowed : 'a gap in the sequence numbers' }
  }

  /** The kernel reported that it dropped messages. Gaps that follow give their number. */
  overflowedAt(now: number): void {
    this.#overflow ??= { from: this.#lastAt, at: now, explained: false }
  }

  /**
   * The loss of an overflow that no gap has explained in time, or null. Call it only when all messages have been
   * received.
   */
  settle(now: number): Loss | null {
    const overflow = this.#overflow
    if (!overflow || now - overflow.at < overflowWaitMs) return null
    this.#overflow = null
    return overflow.explained ? null : { count: null, from: overflow.from, to: overflow.at, why: overflowed }
  }
}

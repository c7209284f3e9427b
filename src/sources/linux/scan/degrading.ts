/** Defines how the parts of the scan worker report that something of the machine cannot be read. */

import type { ScanMessage } from '../protocol.ts'

export interface Degrading {
  degraded(what: string, reason: string): void
  recovered(what: string): void
}

/** Posts each failure once, and again when its reason changes. */
export class DegradationReports implements Degrading {
  readonly #post: (message: ScanMessage) => void
  /** The reason of each failure; null for something that works. */
  readonly #reasons = new Map<string, string | null>()

  constructor(post: (message: ScanMessage) => void) {
    this.#post = post
  }

  degraded(what: string, reason: string): void {
    if (this.#reasons.get(what) === reason) return
    this.#reasons.set(what, reason)
    this.#post({ type: 'degraded', what, reason })
  }

  /** Posted at first too: a worker before this one may have reported the failure and then ended. */
  recovered(what: string): void {
    if (this.#reasons.get(what) === null) return
    this.#reasons.set(what, null)
    this.#post({ type: 'recovered', what })
  }
}

/** Registers everything the live source cannot do as well as it should, each with its reason; changes become events. */

import type { Kernel } from '../../kernel/kernel.ts'
import type { SourceCheck } from '../source.ts'

export class SourceDegradations {
  readonly #kernel: Kernel
  readonly #now: () => number
  readonly #reasons = new Map<string, string>()

  /** @param now ms of Unix time */
  constructor(kernel: Kernel, now: () => number) {
    this.#kernel = kernel
    this.#now = now
  }

  /** Emits an event only when `what` was not degraded before; a new reason alone is no event. */
  degrade(what: string, reason: string): void {
    const isNew = !this.#reasons.has(what)
    this.#reasons.set(what, reason)
    if (!isNew) return
    this.#kernel.update(this.#now(), () =>
      this.#kernel.emit('source.degraded', { subject: '/sys', about: [], data: { what, reason } }),
    )
  }

  recover(what: string): void {
    if (!this.#reasons.delete(what)) return
    this.#kernel.update(this.#now(), () =>
      this.#kernel.emit('source.recovered', { subject: '/sys', about: [], data: { what } }),
    )
  }

  names(): readonly string[] {
    return [...this.#reasons.keys()]
  }

  checks(): SourceCheck[] {
    const { whyNoDeadlocks } = this.#kernel
    const reasons = [...(whyNoDeadlocks === null ? [] : [['deadlocks', whyNoDeadlocks] as const]), ...this.#reasons]
    return reasons.map(([name, detail]) => ({ name, ok: false, detail }))
  }
}

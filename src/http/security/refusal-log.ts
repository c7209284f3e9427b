/** Logs refused requests, at most one line for each reason in a while: a refused client tries again and again. */

import type { FastifyBaseLogger } from 'fastify'
import { bounds } from '../../base/bounds.ts'
import { Problem } from '../problems.ts'

const logged = ['host-not-allowed', 'origin-not-allowed', 'unauthorized', 'forbidden', 'token-in-url'] as const

interface Reason {
  loggedAt: number
  /** Refusals since then. */
  unlogged: number
}

export class RefusalLog {
  readonly #logger: Pick<FastifyBaseLogger, 'warn'>
  readonly #nowMs: () => number
  readonly #reasons = new Map<string, Reason>()

  constructor(logger: Pick<FastifyBaseLogger, 'warn'>, nowMs: () => number = () => performance.now()) {
    this.#logger = logger
    this.#nowMs = nowMs
  }

  /** @param from the address of the client */
  note(error: unknown, { from, token }: { readonly from: string; readonly token: string | null }): void {
    if (!(error instanceof Problem) || !(logged as readonly string[]).includes(error.type)) return
    const now = this.#nowMs()
    const reason = this.#reasons.get(error.type) ?? { loggedAt: Number.NEGATIVE_INFINITY, unlogged: 0 }
    this.#reasons.set(error.type, reason)
    if (now - reason.loggedAt < bounds.refusalLogEveryMs) {
      reason.unlogged++
      return
    }
    const more = reason.unlogged > 0 ? { unlogged: reason.unlogged } : {}
    this.#logger.warn(
      { reason: error.type, from, ...(token !== null && { token }), ...more },
      `a request was refused: ${error.message}`,
    )
    reason.loggedAt = now
    reason.unlogged = 0
  }
}

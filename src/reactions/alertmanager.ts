/**
 * Delivers alerts to Alertmanager. Its clients send open alerts again and again, because it has them in memory only: an
 * alert that nobody sends any more ends.
 */

import { bounds } from '../base/bounds.ts'
import { type Alert, alertChange, firing, resolved, type SentAlert } from './alerts.ts'
import { fieldsOf } from './delivered-event.ts'
import type { HttpSender } from './http-sender.ts'
import type { Delivery, Outcome } from './pump.ts'

export interface AlertmanagerOptions {
  readonly sender: HttpSender
  /** The alerts that were open before a restart, by key. */
  readonly open: ReadonlyMap<string, Alert>
  /** Persists an open alert; null removes it. */
  readonly persist: (key: string, alert: Alert | null) => void
  /** ms of Unix time. */
  readonly now: () => number
}

export class Alertmanager {
  readonly #options: AlertmanagerOptions
  readonly #open: Map<string, Alert>
  readonly #ending = new AbortController()
  readonly #timer: NodeJS.Timeout
  /** Requests follow one another, so that none makes an alert fire again that another has resolved. */
  #last: Promise<unknown> = Promise.resolve()
  #resending = false

  constructor(options: AlertmanagerOptions, { resendEveryMs = bounds.alertResendEveryMs } = {}) {
    this.#options = options
    this.#open = new Map(options.open)
    this.#timer = setInterval(() => void this.resend(), resendEveryMs).unref()
    void this.resend()
  }

  get size(): number {
    return this.#open.size
  }

  deliver({ events, signal }: Delivery): Promise<Outcome> {
    return this.#inTurn(async () => {
      const now = this.#options.now()
      const open = new Map<string, Alert | null>()
      const alerts: SentAlert[] = []
      for (const event of events) {
        const change = alertChange(fieldsOf(event), now)
        if (change === null) continue
        if (change.kind === 'moment') alerts.push(firing(change.alert, now))
        else if (change.kind === 'open') {
          open.set(change.key, change.alert)
          alerts.push(firing(change.alert, now))
        } else {
          // The end of a condition that began before this route existed resolves nothing.
          const alert = open.get(change.key) ?? this.#open.get(change.key)
          if (alert === undefined || alert === null) continue
          open.set(change.key, null)
          alerts.push(resolved(alert, change.endsAt))
        }
      }
      const outcome = await this.#send(alerts, signal)
      if (outcome.kind === 'done') for (const [key, alert] of open) this.#change(key, alert)
      return outcome
    })
  }

  /** Sends all open alerts again. A failure is not serious: they are sent again later. */
  async resend(): Promise<void> {
    if (this.#resending || this.#open.size === 0) return
    this.#resending = true
    const isSent = await this.#inTurn(async () => {
      const all = [...this.#open.values()]
      for (let from = 0; from < all.length; from += bounds.reactionBatchMax) {
        const now = this.#options.now()
        const alerts = all.slice(from, from + bounds.reactionBatchMax).map((alert) => firing(alert, now))
        const outcome = await this.#send(alerts, this.#ending.signal)
        if (outcome.kind === 'failed') return false
      }
      return true
    })
    this.#resending = false
    // An Alertmanager that starts at the same time gets them a little later.
    if (!isSent && !this.#ending.signal.aborted) setTimeout(() => void this.resend(), bounds.alertRetryMs).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#ending.abort()
    await this.#last
  }

  #inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(run)
    this.#last = turn.catch(() => {})
    return turn
  }

  #send(alerts: readonly SentAlert[], signal: AbortSignal): Promise<Outcome> {
    if (alerts.length === 0) return Promise.resolve({ kind: 'done' })
    const id = `alerts-${this.#options.now()}`
    return this.#options.sender.send({ id, contentType: 'application/json', body: JSON.stringify(alerts) }, signal)
  }

  /** Past the bound, an alert is sent once and not again: it ends by itself if its end does not come first. */
  #change(key: string, alert: Alert | null): void {
    if (alert === null) this.#open.delete(key)
    else if (this.#open.size < bounds.alertsMax) this.#open.set(key, alert)
    else return
    this.#options.persist(key, alert)
  }
}

/**
 * Delivers alerts to Alertmanager. Its clients send open alerts again and again, because it has them in memory only: an
 * alert that nobody sends any more ends.
 */

import { bounds } from '../base/bounds.ts'
import { type Alert, alertChange, firing, resolved, type SentAlert } from './alerts.ts'
import { type DeliveredEvent, fieldsOf } from './delivered-event.ts'
import type { HttpSender } from './http-sender.ts'
import type { Delivery, Outcome } from './pump.ts'

export interface AlertmanagerOptions {
  readonly sender: Pick<HttpSender, 'send'>
  /** The alerts that were open before a restart, by key. */
  readonly open: ReadonlyMap<string, Alert>
  /** Persists an open alert; null removes it. */
  readonly persist: (key: string, alert: Alert | null) => void
  /** Keys of the conditions that hold at present. */
  readonly conditions: () => ReadonlySet<string>
  /** ms of Unix time. */
  readonly now: () => number
}

interface Changes {
  readonly alerts: readonly SentAlert[]
  /** By key; null closes an alert. */
  readonly changes: ReadonlyMap<string, Alert | null>
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
      const { alerts, changes } = this.#changesBy(events)
      const outcome = await this.#send(alerts, signal)
      if (outcome.kind === 'done') this.#apply(changes)
      return outcome
    })
  }

  /** These events will never be delivered. The alerts that they open are sent again later like all open ones. */
  giveUp(events: readonly DeliveredEvent[]): void {
    this.#apply(this.#changesBy(events).changes)
  }

  #changesBy(events: readonly DeliveredEvent[]): Changes {
    const now = this.#options.now()
    const changes = new Map<string, Alert | null>()
    const alerts: SentAlert[] = []
    const close = (key: string, endsAt: string) => {
      // The end of a condition that began before this route existed resolves nothing.
      const alert = changes.get(key) ?? this.#open.get(key)
      if (alert === undefined || alert === null || changes.get(key) === null) return
      changes.set(key, null)
      alerts.push(resolved(alert, endsAt, now))
    }
    for (const event of events) {
      const change = alertChange(fieldsOf(event), now)
      if (change === null) continue
      if (change.kind === 'close') close(change.key, change.endsAt)
      else alerts.push(firing(change.alert, now))
      if (change.kind === 'open') changes.set(change.key, change.alert)
      // Among the deleted events may be the ends of open alerts.
      if (event.isGap) for (const key of this.#endedUnseen()) close(key, new Date(now).toISOString())
    }
    return { alerts, changes }
  }

  #endedUnseen(): string[] {
    const present = this.#options.conditions()
    return [...this.#open.keys()].filter((key) => !present.has(key))
  }

  #apply(changes: Changes['changes']): void {
    for (const [key, alert] of changes) this.#change(key, alert)
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

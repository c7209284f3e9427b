/**
 * Turns events into alerts of Prometheus Alertmanager's API v2. An event that begins a condition opens an alert, and
 * the event that ends it resolves the alert. Other events are alerts that end by themselves.
 */

import { bounds } from '../base/bounds.ts'
import type { Condition } from '../kernel/events/row.ts'
import { eventRowOf, eventText } from '../kernel/events.ts'
import type { EventFields } from './delivered-event.ts'
import { conditionKey } from './open-conditions.ts'

export interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
}

export interface SentAlert extends Alert {
  readonly endsAt: string
}

const names: Readonly<Record<Condition, string>> = {
  threshold: 'IntrospectdThreshold',
  'unknown-threshold': 'IntrospectdThresholdUnknown',
  deadlock: 'IntrospectdDeadlock',
  'long-wait': 'IntrospectdLongWait',
  degradation: 'IntrospectdDegraded',
}

const severityLabels = { info: 'info', warning: 'warning', error: 'critical' } as const

/** The change of the open alerts by one event. */
export type AlertChange =
  | { readonly kind: 'open'; readonly key: string; readonly alert: Alert }
  | { readonly kind: 'close'; readonly key: string; readonly endsAt: string }
  | { readonly kind: 'moment'; readonly alert: Alert }

export function alertChange(event: EventFields, now: number): AlertChange | null {
  const row = eventRowOf(event.type)
  if (row === null) return null
  const startsAt = event.time ?? new Date(now).toISOString()
  if (row.opens !== undefined)
    return { kind: 'open', key: keyOf(row.opens, event), alert: alertOf(names[row.opens], event, startsAt) }
  if (row.closes !== undefined) return { kind: 'close', key: keyOf(row.closes, event), endsAt: startsAt }
  return { kind: 'moment', alert: alertOf('IntrospectdEvent', event, startsAt) }
}

function keyOf(condition: Condition, { subject, data }: EventFields): string {
  const { threshold, timeout, what } = data
  return conditionKey(
    condition,
    subject,
    text(threshold) || text(timeout) || (condition === 'degradation' ? text(what) : ''),
  )
}

function alertOf(alertname: string, event: EventFields, startsAt: string): Alert {
  const { type, subject, source, data } = event
  const { severity } = eventRowOf(type) ?? { severity: 'info' }
  const labels = {
    alertname,
    severity: severityLabels[severity],
    instance: source.replace(/^\/net\//, ''),
    event: type,
    subject,
    threshold: text(data.threshold),
    limit: text(data.limit),
    program: text(data.name),
    what: text(data.what),
  }
  const annotations = { summary: `${type} ${subject}: ${eventText(type, data)}`, note: text(data.note) }
  return { labels: withoutEmpty(labels), annotations: withoutEmpty(annotations), startsAt }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Alertmanager removes labels without a value. */
function withoutEmpty(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))
}

/** An alert that goes on. If nobody sends it again, it ends by itself: the service may be gone. */
export function firing(alert: Alert, now: number): SentAlert {
  return endingAt(alert, now + bounds.alertEndsAfterMs)
}

/** An alert that is over. An end in the future would be no end, and the clock may have been set back meanwhile. */
export function resolved(alert: Alert, endsAt: string, now: number): SentAlert {
  return endingAt(alert, Math.min(Date.parse(endsAt), now))
}

/** Alertmanager refuses an end before the begin. */
function endingAt(alert: Alert, at: number): SentAlert {
  return { ...alert, endsAt: new Date(Math.max(at, Date.parse(alert.startsAt))).toISOString() }
}

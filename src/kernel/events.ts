/** Defines the events of the kernel: the table of their types, and the type of the data of each. */

import { deadlockEvents } from './events/deadlock-events.ts'
import { lifeEvents } from './events/life-events.ts'
import { plainValuesText } from './events/line-parts.ts'
import type { EventRow } from './events/row.ts'
import { serviceEvents } from './events/service-events.ts'
import { thresholdEvents } from './events/threshold-events.ts'
import type { DataOf } from './fields.ts'

/** One row an event type. The reference, AsyncAPI, the schemas and the one-line texts are made from these rows. */
export const eventTypes = [...lifeEvents, ...thresholdEvents, ...deadlockEvents, ...serviceEvents] as const

type Row = (typeof eventTypes)[number]

export type EventType = Row['type']

/** The data of each type. */
export type EventData = { readonly [Each in Row as Each['type']]: DataOf<Each['data']> }

const rows: ReadonlyMap<string, EventRow> = new Map(eventTypes.map((row): [string, EventRow] => [row.type, row]))

/** Null for a type that this version does not know. */
export function eventRowOf(type: string): EventRow | null {
  return rows.get(type) ?? null
}

/** Whether every subscriber gets the event, whatever paths it subscribed to. */
export function isForAll(type: string): boolean {
  return rows.get(type)?.forAll === true
}

/** The essential of an event on one line. The data may come from a service of any version. */
export function eventText(type: string, data: Readonly<Record<string, unknown>>): string {
  return (rows.get(type)?.line ?? plainValuesText)(data)
}

/** An event without its type and time: what the caller of `emit` says. */
export interface EventContent<Type extends EventType> {
  /** The pathname that the event is about first. */
  readonly subject: string
  /** Other pathnames that the event concerns. A subscription to any of them, or above, gets the event. */
  readonly about: readonly string[]
  readonly data: EventData[Type]
}

export interface EventOf<Type extends EventType> extends EventContent<Type> {
  readonly type: Type
  /** ms of Unix time. */
  readonly at: number
}

/** An event as the kernel emits it. The event log adds the envelope: sequence, source, and the time as text. */
export type KernelEvent = { readonly [Type in EventType]: EventOf<Type> }[EventType]

export type Emit = <Type extends EventType>(type: Type, content: EventContent<Type>) => void

/** Defines the row of the table of event types: everything that the program knows about one type. */

import type { DataFields } from '../fields.ts'

/**
 * - `info`: something happened, and nothing is wrong
 * - `warning`: someone may have to act, or something could not be seen
 * - `error`: something is wrong for certain: it does not mend itself, or events are missing
 */
export type Severity = 'info' | 'warning' | 'error'

/** A condition that one event begins and another ends. */
export type Condition = 'threshold' | 'unknown-threshold' | 'deadlock' | 'long-wait' | 'degradation'

/** Data as a client received it. The service may be of another version, so every value is checked before it is used. */
export type ReceivedData<Described extends DataFields> = { readonly [Name in keyof Described]?: unknown }

export interface EventRow<Type extends string = string, Described extends DataFields = DataFields> {
  readonly type: Type
  /** For the reference and AsyncAPI: a clause without a full stop. */
  readonly summary: string
  readonly severity: Severity
  /** The condition that holds from this event on, until an event that closes it. */
  readonly opens?: Condition
  readonly closes?: Condition
  /** Every subscriber gets it, whatever paths it subscribed to. */
  readonly forAll?: true
  readonly data: Described
  /** The essential of the data on one line, for terminals and pages. Without it, every plain value is shown. */
  readonly line?: (data: ReceivedData<Described>) => string
}

/** A row with the exact types of its name and its data. */
export function eventRow<const Type extends string, Described extends DataFields>(
  row: EventRow<Type, Described>,
): EventRow<Type, Described> {
  return row
}

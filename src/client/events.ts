/**
 * Defines the types of the items that a watch returns: the events of the service, bookmarks, and the state of the
 * watched path.
 */

import type { EventData } from './routes.ts'

export type ClientEventType = keyof EventData

interface Envelope<Type extends string, Data> {
  readonly specversion: '1.0'
  readonly id: string
  /** Node that emitted the event, for example `/net/alpha`. */
  readonly source: string
  readonly type: Type
  /** Pathname of the main subject of the event. */
  readonly subject: string
  /** Time of the event: RFC 3339, UTC. */
  readonly time: string
  readonly data: Data
}

/** A CloudEvent of the service. */
export type ServiceEvent<Type extends ClientEventType = ClientEventType> = {
  [Each in Type]: Envelope<Each, EventData[Each]> & {
    /** Cursor of the event. A watch that starts after it receives every later event. */
    readonly sequence: string
    /** Pathnames of the other nodes that the event is about, separated by commas. */
    readonly about?: string
  }
}[Type]

/**
 * Reports that every event up to its cursor has been sent. `scanAge` is the age of the last scan, for example `12ms`.
 */
export type Bookmark = Envelope<'bookmark', { readonly cursor: string; readonly scanAge: string | null }>

/** The state of the watched path, read by the client. The events that follow start after its cursor. */
export interface WatchedState<Body> {
  readonly type: 'state'
  /**
   * `begin`: the option `list` was set. `gone`: the service no longer stores the events after `after`; `body` has their
   * result.
   */
  readonly why: 'begin' | 'gone'
  readonly path: string
  readonly cursor: string
  /** Cursor of the watch before the state was read; null at its start. */
  readonly after: string | null
  readonly body: Body
}

/** Defines the options of a watch, its notices, and the types of its items. */

import type { Bookmark, ClientEventType, ServiceEvent, WatchedState } from './events.ts'

type FamilyOf<Type> = Type extends `${infer Name}.${string}` ? `${Name}.*` : never

/** An event type, or a family of types such as `threshold.*`. */
export type EventPattern = ClientEventType | FamilyOf<ClientEventType> | '*'

/** The event types that match the patterns. */
export type Fitting<Types extends EventPattern> = Types extends `${infer Begin}*`
  ? Extract<ClientEventType, `${Begin}${string}`>
  : Extract<ClientEventType, Types>

/** A change of the connection, for a log. The watch reconnects by itself. */
export type Notice =
  | { readonly what: 'connected'; readonly after: string | null }
  | { readonly what: 'broken'; readonly error: Error; readonly retryMs: number }
  /** With `gone: 'oldest'`: the events between the two cursors are no longer in the journal. */
  | { readonly what: 'gap'; readonly after: string; readonly oldest: string }

export interface WatchOptions<Types extends readonly EventPattern[] = readonly ['*'], Marks extends boolean = boolean> {
  /** Default: every type. Include `events.lost`, which replaces events that the service could not observe. */
  readonly types?: Types
  /** Cursor to start after. Default: the present. */
  readonly after?: string
  /** Returns a `state` item first; the events that follow start after it. Ignored with `after`. */
  readonly list?: boolean
  /**
   * Reaction when the events after the cursor have left the journal. `state` returns the present state and the events
   * after it. `oldest` continues with the oldest event in the journal. Default: `state`.
   */
  readonly gone?: 'state' | 'oldest'
  /** Levels below the path that a `state` contains. */
  readonly depth?: number
  /** Name of a durable subscription. The service stores the acknowledged cursor, and the watch starts after it. */
  readonly durable?: string
  /** Returns bookmarks too, so that a stored cursor can advance while no event matches. */
  readonly bookmarks?: Marks
  /** Ends the watch. */
  readonly signal?: AbortSignal
  readonly onNotice?: (notice: Notice) => void
}

export type Item<Body, Types extends EventPattern, Marks extends boolean> =
  | ServiceEvent<Fitting<Types>>
  | WatchedState<Body>
  | (Marks extends true ? Bookmark : never)

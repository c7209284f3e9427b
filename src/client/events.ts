/** What a watch hands out: the events as the service sends them, and what the client itself has to say. */

import type { EventData } from './routes.ts'

export type ClientEventType = keyof EventData

interface Envelope<Type extends string, Data> {
  readonly specversion: '1.0'
  readonly id: string
  /** Of the node that tells it, as in `/net/alpha`. */
  readonly source: string
  readonly type: Type
  /** Pathname of what it is about first. */
  readonly subject: string
  /** RFC 3339, UTC. */
  readonly time: string
  readonly data: Data
}

/** A CloudEvent of the service. */
export type ServiceEvent<Type extends ClientEventType = ClientEventType> = {
  [Each in Type]: Envelope<Each, EventData[Each]> & {
    /** Its cursor: the watch that begins after it misses nothing. */
    readonly sequence: string
    /** Pathnames of what else it concerns, with commas. */
    readonly about?: string
  }
}[Type]

/** All up to its cursor has been seen. */
export type Bookmark = Envelope<'bookmark', { readonly cursor: string; readonly scanAge: string | null }>

/** What is there, read anew: what follows begins after it. */
export interface WatchedState<Body> {
  readonly type: 'state'
  /** `begin`: the watch was asked to; `gone`: the events after `after` are no longer kept, so what they told is in the body. */
  readonly why: 'begin' | 'gone'
  readonly path: string
  readonly cursor: string
  /** Where the watch was; null at its beginning. */
  readonly after: string | null
  readonly body: Body
}

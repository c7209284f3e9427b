/** Message passing: channels of servers, and the connections of clients to them. */

import type { ModelProcess } from './model-process.ts'
import type { ModelThread } from './model-thread.ts'
import { WaitQueue } from './wait-queue.ts'

/** What a message or a reply carries: the model looks at none of it. */
export type Payload = string | number | null

export interface Pulse {
  readonly priority: number
  readonly code: number
  readonly value: number
  readonly scoid: number
  /** Equal pulses that wait are one entry. */
  count: number
  /** Of the first of them, in one count with the waits of threads. */
  readonly arrival: number
}

export class Channel {
  readonly chid: number
  readonly owner: ModelProcess
  /** Receivers keep their own priority (`_NTO_CHF_FIXED_PRIORITY`). */
  readonly fixedPriority: boolean
  /** SEND-blocked clients. */
  readonly senders = new WaitQueue()
  /** RECEIVE-blocked threads of the owner. */
  readonly receivers = new WaitQueue()
  /** Highest priority first, at one priority in order of arrival. */
  readonly pulses: Pulse[] = []
  readonly servers = new Map<ModelProcess, ServerConnection>()
  /** Threads that received here last: who sends with a higher priority lends it to them. */
  readonly lastReceivers = new Set<ModelThread>()
  destroyed = false

  constructor(parts: { chid: number; owner: ModelProcess; fixedPriority: boolean }) {
    this.chid = parts.chid
    this.owner = parts.owner
    this.fixedPriority = parts.fixedPriority
  }

  get path(): string {
    return `${this.owner.path}/channel/${this.chid}`
  }
}

/** What a server holds for a client process of a channel, however many connections that has to it. */
export class ServerConnection {
  readonly scoid: number
  readonly channel: Channel
  readonly client: ModelProcess
  connections = 0

  constructor(parts: { scoid: number; channel: Channel; client: ModelProcess }) {
    this.scoid = parts.scoid
    this.channel = parts.channel
    this.client = parts.client
  }
}

export class Connection {
  readonly coid: number
  readonly client: ModelProcess
  readonly server: ServerConnection
  /** A timer may know of it still. */
  detached = false

  constructor(parts: { coid: number; client: ModelProcess; server: ServerConnection }) {
    this.coid = parts.coid
    this.client = parts.client
    this.server = parts.server
  }

  get channel(): Channel {
    return this.server.channel
  }
}

/** From MsgSend to the reply. */
export interface Message {
  readonly client: ModelThread
  readonly connection: Connection
  readonly payload: Payload
  /** 0 until it is received. */
  rcvid: number
  /** Who received it: most likely the one that will reply. */
  receiver: ModelThread | null
}

/** Defines the objects of message passing: channels of servers, and the connections of clients to them. */

import type { ModelProcess } from './model-process.ts'
import type { ModelThread } from './model-thread.ts'
import { WaitQueue } from './wait-queue.ts'

/** Contents of a message or a reply. The model does not read them. */
export type Payload = string | number | null

export interface Pulse {
  readonly priority: number
  readonly code: number
  readonly value: number
  readonly scoid: number
  /** Equal pulses which wait are one entry with this count. */
  count: number
  /** Arrival of the first of them, counted together with the waits of threads. */
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
  /** Highest priority first; at equal priority in order of arrival. */
  readonly pulses: Pulse[] = []
  readonly servers = new Map<ModelProcess, ServerConnection>()
  /** Threads which received here last. A sender with a higher priority lends it to them. */
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

/** The entry of a client process at a channel, which all connections of that process to the channel share. */
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
  /** A timer may still refer to a detached connection. */
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

/** A message, from MsgSend to the reply. */
export interface Message {
  readonly client: ModelThread
  readonly connection: Connection
  readonly payload: Payload
  /** 0 until it is received. */
  rcvid: number
  /** The thread which received it, and most likely will reply. */
  receiver: ModelThread | null
}

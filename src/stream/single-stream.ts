/** Serves a connection that carries one subscription: CloudEvents one after the other, over a WebSocket or SSE. */

import type { LoggedEvent } from './event-log.ts'
import type { Hub, SubscriberConnection, SubscriptionRequest } from './hub.ts'
import type { StartPosition } from './start-position.ts'
import type { Sink, Subscription } from './subscription.ts'
import type { Transport } from './transport.ts'

class SingleStream implements SubscriberConnection, Sink {
  readonly #hub: Hub
  readonly #transport: Transport
  readonly #subject: string
  subscription: Subscription | null = null

  constructor(hub: Hub, transport: Transport, subject: string) {
    this.#hub = hub
    this.#transport = transport
    this.#subject = subject
  }

  get queuedBytes(): number {
    return this.#transport.queuedBytes
  }

  get takenBytes(): number {
    return this.#transport.takenBytes
  }

  get cursor(): number | null {
    return this.subscription?.cursor ?? null
  }

  event({ json, sequence }: LoggedEvent): void {
    this.#transport.send(json, sequence)
  }

  node(json: Buffer): void {
    this.#transport.send(json, null)
  }

  snapshotEnded(cursor: number): void {
    this.bookmark(cursor)
  }

  /** Says that events are missing, and moves the client to the present. */
  lost(after: number): void {
    const { log } = this.#hub
    this.#transport.send(this.#hub.lostEvent(after, this.#subject), log.newest)
  }

  bookmark(cursor: number): void {
    this.#transport.send(this.#hub.bookmarkEvent(cursor, this.#subject), cursor)
  }

  whenDrained(then: () => void): void {
    this.#transport.whenDrained(then)
  }

  close(code: number, reason: string): void {
    this.#transport.close(code, reason)
  }
}

/**
 * Subscribes the client behind a transport. Returns the function that ends the stream.
 * Preconditions: `start` was computed in this tick, and is not 'gone'.
 */
export function startStream(
  hub: Hub,
  transport: Transport,
  request: SubscriptionRequest,
  start: StartPosition,
): () => void {
  const connection = new SingleStream(hub, transport, request.filter.text)
  const disconnect = hub.connect(connection)
  const release =
    request.durable === null ? () => {} : hub.durables.hold(request.durable, () => closeTakenOver(transport))
  const subscription = hub.subscribe(connection, request, start)
  connection.subscription = subscription
  if (start.kind === 'restart') connection.lost(start.lostAfter)
  return () => {
    hub.unsubscribe(subscription)
    release()
    disconnect()
  }
}

/** Closes a connection whose durable subscription was taken over by another connection, or was deleted. */
export function closeTakenOver(transport: Transport): void {
  transport.close(4409, JSON.stringify({ reason: 'the durable subscription was taken over, or deleted' }))
}

/** One subscription on a connection of its own: CloudEvents, one after the other, whatever carries them. */

import type { LoggedEvent } from './event-log.ts'
import type { Hub, SubscriberConnection, SubscriptionRequest } from './hub.ts'
import type { Line } from './line.ts'
import type { StartPosition } from './start-position.ts'
import type { Sink, Subscription } from './subscription.ts'

class Single implements SubscriberConnection, Sink {
  readonly #hub: Hub
  readonly #line: Line
  readonly #subject: string
  subscription: Subscription | null = null

  constructor(hub: Hub, line: Line, subject: string) {
    this.#hub = hub
    this.#line = line
    this.#subject = subject
  }

  get queuedBytes(): number {
    return this.#line.queuedBytes
  }

  get takenBytes(): number {
    return this.#line.takenBytes
  }

  get cursor(): number | null {
    return this.subscription?.cursor ?? null
  }

  event({ json, sequence }: LoggedEvent): void {
    this.#line.send(json, sequence)
  }

  node(json: Buffer): void {
    this.#line.send(json, null)
  }

  snapshotEnded(cursor: number): void {
    this.bookmark(cursor)
  }

  bookmark(cursor: number): void {
    this.#line.send(this.#hub.bookmarkEvent(cursor, this.#subject), cursor)
  }

  whenDrained(then: () => void): void {
    this.#line.whenDrained(then)
  }

  close(code: number, reason: string): void {
    this.#line.close(code, reason)
  }
}

/** Preconditions: it begins now, and what it begins with is not gone. Returns what ends it. */
export function streamOver(hub: Hub, line: Line, asked: SubscriptionRequest, beginning: StartPosition): () => void {
  const connection = new Single(hub, line, asked.filter.text)
  const disconnect = hub.connect(connection)
  const letGo = asked.durable === null ? () => {} : hub.durables.hold(asked.durable, () => takenOver(line))
  const subscription = hub.subscribe(connection, asked, beginning)
  connection.subscription = subscription
  return () => {
    hub.unsubscribe(subscription)
    letGo()
    disconnect()
  }
}

/** Of a durable subscription: another connection has it now, or it has been deleted. */
export function takenOver(line: Line): void {
  line.close(4409, JSON.stringify({ reason: 'the durable subscription was taken over, or deleted' }))
}

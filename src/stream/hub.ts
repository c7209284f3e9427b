/**
 * Delivers events to subscriptions, and oversees the connections that carry them. Subscriptions are indexed by the root
 * of their path filter. An event is looked up by its pathnames and their ancestors, so its cost grows with the depth of
 * its paths and the number of its recipients, not with the number of subscriptions.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { PathFilter } from '../tree/path-filter.ts'
import type { Durables } from './durables.ts'
import type { EventLog, LoggedEvent } from './event-log.ts'
import { Outbox } from './outbox.ts'
import { ReplayScheduler } from './replay-scheduler.ts'
import { Snapshot, type SnapshotNode } from './snapshot.ts'
import { type StartPosition, startPositionOf } from './start-position.ts'
import { type Sink, Subscription } from './subscription.ts'
import type { TypeFilter } from './subscription-request.ts'

export interface HubOptions {
  readonly log: EventLog
  readonly durables: Durables
  /** CloudEvents `source` of bookmarks and snapshots. */
  readonly source: string
  readonly now: () => number
  /**
   * Age of the last scan in ms; null if the source does not scan. From bookmarks with it a controller recognises a
   * source that has stopped working.
   */
  readonly scanAge: () => number | null
}

/** A client's connection, with one or more subscriptions. */
export interface SubscriberConnection {
  /** Bytes that were sent and not yet accepted by the operating system. */
  readonly queuedBytes: number
  /** Changes whenever the operating system has accepted some bytes. */
  readonly takenBytes: number
  /** Every event up to and including this sequence has been sent; null while a snapshot is being sent. */
  readonly cursor: number | null
  /** Sends the client the cursor that it has reached. */
  bookmark(cursor: number): void
  close(code: number, reason: string): void
}

export interface SubscriptionRequest {
  readonly filter: PathFilter
  readonly types: TypeFilter
  /** Cursor that the client sent. */
  readonly after: number | null
  /** Name of the durable subscription. */
  readonly durable: string | null
  /** Captures the state of all nodes that match the filter; null if the client does not accept a snapshot. */
  readonly snapshot: (() => readonly SnapshotNode[]) | null
  /** Continues with the present where the events after the cursor are gone. */
  readonly restart?: boolean
}

interface Progress {
  takenBytes: number
  /** Since when no queued bytes have been accepted, in ms of `performance.now`. */
  since: number
}

export class Hub {
  readonly durables: Durables
  readonly outbox = new Outbox()
  readonly #options: HubOptions
  readonly #byRoot = new Map<string, Set<Subscription>>()
  readonly #connections = new Map<SubscriberConnection, Progress>()
  readonly #replay = new ReplayScheduler()
  readonly #timers: readonly NodeJS.Timeout[]
  #snapshotBytes = 0
  #snapshotNumber = 0
  #onEmpty: () => void = () => {}

  constructor(options: HubOptions) {
    this.#options = options
    this.durables = options.durables
    this.#timers = [
      setInterval(() => this.bookmarkAll(), bounds.bookmarkEveryMs),
      setInterval(() => this.closeStalled(performance.now()), bounds.progressEveryMs),
    ]
    for (const timer of this.#timers) timer.unref()
  }

  get log(): EventLog {
    return this.#options.log
  }

  /** Publishes all waiting events, and returns the sequence of the newest. */
  settledCursor(): number {
    this.log.flush()
    return this.log.newest
  }

  get source(): string {
    return this.#options.source
  }

  /** Number of connections. */
  get size(): number {
    return this.#connections.size
  }

  connections(): Iterable<SubscriberConnection> {
    return this.#connections.keys()
  }

  /** Number of parked subscriptions: they read from the journal instead of receiving live events. */
  get parked(): number {
    let count = 0
    for (const subscription of this.#subscriptions()) if (!subscription.isLive) count++
    return count
  }

  /** False while the snapshots that are being sent use all memory that is reserved for them. */
  get hasSnapshotRoom(): boolean {
    return this.#snapshotBytes < bounds.snapshotBytesMax
  }

  /** Age of the last scan, for example `12ms`; null if the source does not scan. */
  get scanAge(): string | null {
    const age = this.#options.scanAge()
    return age === null ? null : `${Math.round(age)}ms`
  }

  /** Registers a connection. Returns the function that removes it. */
  connect(connection: SubscriberConnection): () => void {
    this.#connections.set(connection, { takenBytes: connection.takenBytes, since: performance.now() })
    return () => {
      if (this.#connections.delete(connection) && this.size === 0) this.#onEmpty()
    }
  }

  /** The position where a subscription would start in this tick. */
  startPosition({ after, durable, snapshot, restart = false }: SubscriptionRequest): StartPosition {
    // A live subscription receives only events that happen from now on.
    this.log.flush()
    const durableCursor = durable === null ? null : (this.durables.get(durable)?.cursor ?? null)
    return startPositionOf(this.log, { after, durable: durableCursor, snapshot: snapshot !== null, restart })
  }

  /** Preconditions: `start` was computed in this tick, and is not 'gone'. */
  subscribe(sink: Sink, { filter, types, snapshot }: SubscriptionRequest, start: StartPosition): Subscription {
    const subscription = new Subscription(sink, { log: this.log, replay: this.#replay, filter, types })
    const group = this.#byRoot.get(filter.root) ?? new Set()
    this.#byRoot.set(filter.root, group.add(subscription))
    if (start.kind === 'after') subscription.resume(start.cursor)
    if (start.kind === 'snapshot') subscription.startWithSnapshot(() => this.#snapshot(snapshot!))
    return subscription
  }

  unsubscribe(subscription: Subscription): void {
    subscription.end()
    const { root } = subscription.filter
    const group = this.#byRoot.get(root)
    if (group?.delete(subscription) && group.size === 0) this.#byRoot.delete(root)
  }

  publish(event: LoggedEvent): void {
    if (this.#byRoot.size === 0) return
    if (event.isForAll) {
      for (const subscription of this.#subscriptions()) subscription.offer(event)
      return
    }
    for (const root of rootsOf(event)) {
      const group = this.#byRoot.get(root)
      if (group !== undefined) for (const subscription of group) subscription.offer(event)
    }
  }

  /** Sends bookmarks to all connections but those whose queue is long: they have enough to read. */
  bookmarkAll(): void {
    for (const connection of this.#connections.keys()) {
      const { cursor, queuedBytes } = connection
      if (cursor !== null && queuedBytes <= bounds.replayQueueBytesMax) connection.bookmark(cursor)
    }
  }

  /** Closes connections whose client has read nothing for too long. @param now monotonic time in ms */
  closeStalled(now: number): void {
    for (const [connection, progress] of this.#connections) {
      const { queuedBytes, takenBytes, cursor } = connection
      if (queuedBytes === 0 || takenBytes !== progress.takenBytes) {
        progress.takenBytes = takenBytes
        progress.since = now
      } else if (now - progress.since >= bounds.stalledMsMax) {
        const reason = `nothing has been read for ${bounds.stalledMsMax / 1000} s`
        connection.close(1013, JSON.stringify({ reason, cursor: cursor === null ? null : cursorText(cursor) }))
      }
    }
  }

  /**
   * Sends a last bookmark on each connection and closes it. Resolves when all have ended, or after the grace period.
   */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.log.flush()
    const allEnded = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    for (const connection of [...this.#connections.keys()]) {
      // A connection with a long queue gets the bookmark as well, because it is the last message.
      if (connection.cursor !== null) connection.bookmark(connection.cursor)
      connection.close(1001, 'the service is shutting down')
    }
    if (this.size > 0) await Promise.race([allEnded, delay(bounds.closeGraceMs, undefined, { ref: false })])
  }

  /** A bookmark as a CloudEvent. */
  bookmarkEvent(cursor: number, subject: string): Buffer {
    const id = cursorText(cursor)
    return Buffer.from(
      JSON.stringify({
        specversion: '1.0',
        id: `bookmark-${id}`,
        source: this.source,
        type: 'bookmark',
        subject,
        time: new Date(this.#options.now()).toISOString(),
        data: { cursor: id, scanAge: this.scanAge },
      }),
    )
  }

  /** The `events.lost` of a subscription that continues with the present: the events after its cursor are gone. */
  lostEvent(after: number, subject: string): Buffer {
    const cursor = cursorText(this.log.newest)
    const time = new Date(this.#options.now()).toISOString()
    return Buffer.from(
      JSON.stringify({
        specversion: '1.0',
        id: `lost-${cursor}`,
        source: this.source,
        type: 'events.lost',
        subject,
        time,
        data: {
          count: null,
          from: null,
          to: time,
          why: `the events after the cursor ${cursorText(after)} are not available; read the state again`,
          cursor,
        },
      }),
    )
  }

  #snapshot(take: () => readonly SnapshotNode[]): Snapshot {
    // The snapshot contains the effects of the waiting events: publish them first, so that they precede its cursor.
    this.log.flush()
    const snapshot = new Snapshot(take(), {
      source: this.source,
      cursor: this.log.newest,
      time: this.#options.now(),
      nextNumber: () => ++this.#snapshotNumber,
      onRelease: (bytes) => {
        this.#snapshotBytes -= bytes
      },
    })
    this.#snapshotBytes += snapshot.bytes
    return snapshot
  }

  *#subscriptions(): Generator<Subscription> {
    for (const group of [...this.#byRoot.values()]) yield* [...group]
  }
}

/** Each pathname of the event and all its ancestors: `/sys/proc/4` gives `/sys/proc/4`, `/sys/proc` and `/sys`. */
function rootsOf({ places }: LoggedEvent): Set<string> {
  const roots = new Set<string>()
  for (const place of places)
    for (let end = place.length; end > 0; end = place.lastIndexOf('/', end - 1)) roots.add(place.slice(0, end))
  return roots
}

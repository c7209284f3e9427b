/**
 * Who hears of what. Subscriptions are found by the pathnames of an event and those above them, so that an event
 * costs by the depth of its paths and by who gets it, not by how many are listening.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { PathFilter } from '../tree/path-filter.ts'
import type { Durables } from './durables.ts'
import type { EventLog, LoggedEvent } from './event-log.ts'
import { Outbox } from './outbox.ts'
import { Snapshot, type SnapshotNode } from './snapshot.ts'
import { type StartPosition, startPositionOf } from './start-position.ts'
import { type Sink, Subscription } from './subscription.ts'
import type { TypeFilter } from './subscription-request.ts'
import { Turns } from './turns.ts'

export interface HubOptions {
  readonly log: EventLog
  readonly durables: Durables
  /** CloudEvents `source` of bookmarks and snapshots. */
  readonly source: string
  readonly now: () => number
  /** Age of the last scan in ms, so that a controller can tell silence from death; null where nothing is scanned. */
  readonly scanAge: () => number | null
}

/** What somebody listens on, with one subscription or many. */
export interface SubscriberConnection {
  /** Bytes handed over and not yet taken by the kernel. */
  readonly queuedBytes: number
  /** Changes whenever the kernel has taken something. */
  readonly takenBytes: number
  /** Everything up to it has been sent; null where that cannot be said yet. */
  readonly cursor: number | null
  /** Tells the client where it is. */
  bookmark(cursor: number): void
  close(code: number, reason: string): void
}

export interface SubscriptionRequest {
  readonly filter: PathFilter
  readonly types: TypeFilter
  /** The client's own cursor. */
  readonly after: number | null
  /** Name of a durable subscription. */
  readonly durable: string | null
  /** Takes the state of all that the filter means, where it may begin with that; null: it may not. */
  readonly snapshot: (() => readonly SnapshotNode[]) | null
}

interface Progress {
  takenBytes: number
  /** ms; since when nothing has been taken of what waits. */
  since: number
}

export class Hub {
  readonly durables: Durables
  readonly outbox = new Outbox()
  readonly #options: HubOptions
  readonly #byRoot = new Map<string, Set<Subscription>>()
  readonly #connections = new Map<SubscriberConnection, Progress>()
  readonly #turns = new Turns()
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

  /** Of the newest event, when all that has happened so far has been told. */
  settledCursor(): number {
    this.log.flush()
    return this.log.newest
  }

  get source(): string {
    return this.#options.source
  }

  /** Connections. */
  get size(): number {
    return this.#connections.size
  }

  connections(): Iterable<SubscriberConnection> {
    return this.#connections.keys()
  }

  /** Subscriptions that read on from the journal. */
  get parked(): number {
    let count = 0
    for (const subscription of this.#subscriptions()) if (!subscription.isLive) count++
    return count
  }

  /** Whether there is room for one more snapshot. */
  get takesSnapshots(): boolean {
    return this.#snapshotBytes < bounds.snapshotBytesMax
  }

  get scanAge(): string | null {
    const age = this.#options.scanAge()
    return age === null ? null : `${Math.round(age)}ms`
  }

  /** Returns what takes it out. */
  connect(connection: SubscriberConnection): () => void {
    this.#connections.set(connection, { takenBytes: connection.takenBytes, since: performance.now() })
    return () => {
      if (this.#connections.delete(connection) && this.size === 0) this.#onEmpty()
    }
  }

  /** Where it would begin now. */
  beginning({ after, durable, snapshot }: SubscriptionRequest): StartPosition {
    // It begins with what happens from now on.
    this.log.flush()
    const kept = durable === null ? null : (this.durables.get(durable)?.cursor ?? null)
    return startPositionOf(this.log, { after, kept, snapshot: snapshot !== null })
  }

  /** Preconditions: it begins now, and what it begins with is not gone. */
  subscribe(sink: Sink, { filter, types, snapshot }: SubscriptionRequest, beginning: StartPosition): Subscription {
    const subscription = new Subscription(sink, { log: this.log, turns: this.#turns, filter, types })
    const there = this.#byRoot.get(filter.root) ?? new Set()
    this.#byRoot.set(filter.root, there.add(subscription))
    if (beginning.kind === 'after') subscription.resume(beginning.cursor)
    if (beginning.kind === 'snapshot') subscription.begin(() => this.#snapshot(snapshot!))
    return subscription
  }

  unsubscribe(subscription: Subscription): void {
    subscription.end()
    const { root } = subscription.filter
    const there = this.#byRoot.get(root)
    if (there?.delete(subscription) && there.size === 0) this.#byRoot.delete(root)
  }

  publish(event: LoggedEvent): void {
    if (this.#byRoot.size === 0) return
    if (event.isForAll) {
      for (const subscription of this.#subscriptions()) subscription.offer(event)
      return
    }
    for (const root of rootsOf(event)) {
      const there = this.#byRoot.get(root)
      if (there !== undefined) for (const subscription of there) subscription.offer(event)
    }
  }

  /** A subscriber that is behind hears how far it is; one that has more than enough to read hears nothing. */
  bookmarkAll(): void {
    for (const connection of this.#connections.keys()) {
      const { cursor, queuedBytes } = connection
      if (cursor !== null && queuedBytes <= bounds.replayQueueBytesMax) connection.bookmark(cursor)
    }
  }

  /** `now`: ms that only ever count up. */
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

  /** Tells everybody where they are, and ends their connections. Resolves when all are gone, or the grace is over. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.log.flush()
    const gone = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    for (const connection of [...this.#connections.keys()]) {
      // Also to one that has much to read: it is the last that it hears.
      if (connection.cursor !== null) connection.bookmark(connection.cursor)
      connection.close(1001, 'the service is shutting down')
    }
    if (this.size > 0) await Promise.race([gone, delay(bounds.closeGraceMs, undefined, { ref: false })])
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

  #snapshot(take: () => readonly SnapshotNode[]): Snapshot {
    // What has happened is in it, and is not told again.
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
    for (const there of [...this.#byRoot.values()]) yield* [...there]
  }
}

/** Each place and all paths above it, once: `/sys/proc/4` gives `/sys/proc/4`, `/sys/proc` and `/sys`. */
function rootsOf({ places }: LoggedEvent): Set<string> {
  const roots = new Set<string>()
  for (const place of places)
    for (let end = place.length; end > 0; end = place.lastIndexOf('/', end - 1)) roots.add(place.slice(0, end))
  return roots
}

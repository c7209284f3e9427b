/**
 * Who hears of what. Subscriptions are found by the pathnames of an event and those above them, so that an event
 * costs by the depth of its paths and by who gets it, not by how many are listening.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { bounds } from '../bounds.ts'
import { cursorText } from '../cursor.ts'
import type { EventLog, LoggedEvent } from './event-log.ts'
import { type Sink, Subscription } from './subscription.ts'

export interface HubOptions {
  readonly log: EventLog
  /** CloudEvents `source` of bookmarks. */
  readonly source: string
  readonly now: () => number
  /** Age of the last scan in ms, so that a controller can tell silence from death; null where nothing is scanned. */
  readonly scanAge: () => number | null
}

export class Hub {
  readonly #options: HubOptions
  readonly #byPath = new Map<string, Set<Subscription>>()
  readonly #timer: NodeJS.Timeout
  #count = 0
  #onEmpty: () => void = () => {}

  constructor(options: HubOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.bookmarkAll(), bounds.bookmarkEveryMs)
    this.#timer.unref()
  }

  get log(): EventLog {
    return this.#options.log
  }

  /** Of the newest event, when all that has happened so far has been told. */
  settledCursor(): number {
    this.#options.log.flush()
    return this.#options.log.newest
  }

  get source(): string {
    return this.#options.source
  }

  get size(): number {
    return this.#count
  }

  /** Subscribes a connection to a path and all below it. Returns what ends it. */
  subscribe(sink: Sink, { path, types, after }: { path: string; types: TypeFilter; after: number | null }): () => void {
    // It begins with what happens from now on.
    this.#options.log.flush()
    const subscription = new Subscription(sink, { log: this.#options.log, path, types })
    const there = this.#byPath.get(path) ?? new Set()
    this.#byPath.set(path, there.add(subscription))
    this.#count++
    if (after !== null) subscription.replay(after)
    return () => {
      if (!there.delete(subscription)) return
      this.#count--
      subscription.end()
      if (there.size === 0) this.#byPath.delete(path)
      if (this.#count === 0) this.#onEmpty()
    }
  }

  publish(event: LoggedEvent): void {
    if (this.#count === 0) return
    if (event.isForAll) {
      for (const { subscription } of this.#each()) subscription.offer(event)
      return
    }
    for (const place of event.places) {
      for (const path of prefixes(place)) {
        for (const subscription of this.#byPath.get(path) ?? []) subscription.offer(event)
      }
    }
  }

  bookmarkAll(): void {
    for (const { subscription } of this.#each()) subscription.bookmark(this.#bookmark(subscription.path))
  }

  /** Tells everybody where they are, and ends their connections. Resolves when all are gone, or the grace is over. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#options.log.flush()
    const gone = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    for (const { subscription } of this.#each()) {
      subscription.bookmark(this.#bookmark(subscription.path))
      subscription.sink.close(1001, 'the service is shutting down')
    }
    if (this.#count > 0) await Promise.race([gone, delay(bounds.closeGraceMs, undefined, { ref: false })])
  }

  #bookmark(subject: string): { cursor: number; json: Buffer } {
    const cursor = this.#options.log.newest
    const id = cursorText(cursor)
    const time = new Date(this.#options.now()).toISOString()
    const age = this.#options.scanAge()
    const data = { cursor: id, scanAge: age === null ? null : `${Math.round(age)}ms` }
    const bookmark = {
      specversion: '1.0',
      id: `bookmark-${id}`,
      source: this.source,
      type: 'bookmark',
      subject,
      time,
      data,
    }
    return { cursor, json: Buffer.from(JSON.stringify(bookmark)) }
  }

  *#each(): Generator<{ subscription: Subscription }> {
    for (const there of [...this.#byPath.values()]) for (const subscription of [...there]) yield { subscription }
  }
}

/** Which event types are wanted; null is all. `process.*` is every type that begins so. */
export type TypeFilter = readonly string[] | null

/** A path and all paths above it: `/sys/proc/4` gives `/sys/proc/4`, `/sys/proc` and `/sys`. */
function* prefixes(path: string): Generator<string> {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) yield path.slice(0, end)
}

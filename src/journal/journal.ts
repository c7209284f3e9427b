/**
 * Logs all events: the recent ones in memory, and with a store also in a file. With a store, the events of one tick are
 * written in one transaction and published afterwards. So no client sees an event that a crash could lose.
 */

import { bounds } from '../base/bounds.ts'
import type { KernelEvent } from '../kernel/events.ts'
import { unwritten, writeBacklog } from './backlog.ts'
import { type CursorFact, type DefinitionFact, type Fact, factOf } from './facts.ts'
import { NotStored } from './lost-event.ts'
import type { Retention } from './retention.ts'
import { EventRing, type RingEvent, type RingOptions } from './ring.ts'
import { Selection } from './selection.ts'
import { type EventStore, isCorruption } from './store.ts'
import { PersistedEvent } from './stored-event.ts'

export interface JournalStorage {
  readonly store: EventStore
  readonly retention: Retention
  /** Whether events of a type are stored; all are by default. Others are delivered live only. */
  readonly stores?: (type: string) => boolean
}

export interface JournalOptions extends RingOptions {
  /** Null: events are in memory only. */
  readonly storage: JournalStorage | null
  /** Returns the current facts, which are written after the file has missed some. */
  readonly facts: () => readonly Fact[]
  /** Whether facts include settings and trips. */
  readonly persistsSettings: boolean
  /** Called with each event after it has been written. */
  readonly publish: (event: RingEvent) => void
  /** Called with the reason when the file cannot be written, and with null when it can be written again. */
  readonly onFault: (reason: string | null) => void
  /** Called with the time in ms that one transaction took. */
  readonly onCommitted?: (ms: number) => void
  /** ms of Unix time. */
  readonly now: () => number
}

interface Fault {
  readonly reason: string
  /** ms of Unix time; null: never. */
  readonly retryAt: number | null
}

export class Journal {
  readonly #options: JournalOptions
  readonly #ring: EventRing
  readonly #selection: Selection
  readonly #timer: NodeJS.Timeout | null
  /** Sequence of the newest published event. */
  #published: number
  #fault: Fault | null = null
  #soon: NodeJS.Immediate | null = null
  /** Facts that are not yet written; null when the file has missed some. */
  #facts: Fact[] | null = []
  #trimAt = 0

  /** Sequences go on from the newest stored event, or start at `firstSequence`. */
  constructor(options: JournalOptions) {
    this.#options = options
    this.#selection = new Selection(options.storage?.stores)
    const newest = options.storage?.store.newest ?? null
    this.#ring = new EventRing({ ...options, firstSequence: newest === null ? options.firstSequence : newest + 1 })
    this.#published = this.#ring.newest
    this.#timer = options.storage === null ? null : setInterval(() => this.#trimAndReport(), bounds.trimEveryMs).unref()
  }

  /** The last event before this process started; null when there is none. Preconditions: nothing has been appended. */
  inherited(): PersistedEvent | null {
    const newest = this.#readable?.newest ?? null
    return newest === null ? null : (this.#read(newest - 1)[0] ?? null)
  }

  /** Why the file cannot be written; null when it can, or when there is no file. */
  get fault(): string | null {
    return this.#fault?.reason ?? null
  }

  /** Sequence of the newest published event. */
  get newest(): number {
    return this.#published
  }

  /** Sequence of the next event. */
  get nextSequence(): number {
    return this.#ring.newest + 1
  }

  /** Number of events that can be read. */
  get events(): number {
    return this.#published - this.oldestCursor
  }

  /** Size of the pages in use; null when there is no file, or it cannot be read. */
  get bytes(): number | null {
    try {
      return this.#readable?.bytes ?? null
    } catch {
      // The next write reports the reason.
      return null
    }
  }

  /** ms of Unix time at which the event after `oldestCursor` happened or was stored; null without events. */
  get oldestAt(): number | null {
    try {
      const store = this.#readable
      const isInFile = store !== null && this.oldestCursor < this.#ring.oldestCursor
      return isInFile ? store.oldestAt() : this.#ring.oldestAt
    } catch {
      // The next write reports the reason.
      return null
    }
  }

  get oldestCursor(): number {
    const store = this.#readable
    // With a gap between file and memory, only the events in memory follow one another.
    const isContiguous = store !== null && store.newest !== null && store.newest >= this.#ring.oldestCursor
    return isContiguous ? Math.min(store.oldest! - 1, this.#ring.oldestCursor) : this.#ring.oldestCursor
  }

  append(kernelEvent: KernelEvent): void {
    const event = this.#ring.append(kernelEvent)
    // With very many events in one tick the ring would drop the first before they are written.
    const isFull = event.sequence - this.#published >= Math.min(bounds.journalBatchMax, this.#options.eventsMax)
    if (this.#options.storage === null) this.#publish(event)
    else {
      this.#note(factOf(kernelEvent))
      if (isFull) this.flush()
      else this.#flushSoon()
    }
  }

  /** A definition was set, changed or removed. It is written with the events of the same tick. */
  define(fact: DefinitionFact): void {
    this.#note(fact)
    this.#flushSoon()
  }

  /** A durable subscription has acknowledged a cursor. It is written with the events of the same tick. */
  persistCursor(fact: CursorFact): void {
    if (this.#options.storage !== null) this.#facts?.push(fact)
    this.#flushSoon()
  }

  /** Writes and publishes all pending events, as at the end of a tick. */
  flush(): void {
    if (this.#soon !== null) clearImmediate(this.#soon)
    this.#soon = null
    if (this.#published === this.#ring.newest && this.#facts?.length === 0) return
    const before = this.#fault
    const events = [...this.#ring.after(this.#published)]
    this.#write()
    for (const event of events) this.#publish(event)
    this.#report(before)
  }

  /** Events after a sequence, oldest first, up to the newest published. Preconditions: `oldestCursor <= sequence`. */
  *after(sequence: number): Generator<RingEvent | PersistedEvent | NotStored> {
    let position = sequence
    while (position < this.#ring.oldestCursor) {
      const events = this.#read(position)
      // The reader sees that it did not get to the newest.
      if (events.length === 0) return
      for (const event of events) {
        // The events from there on are in memory, also those that the file does not have.
        const inMemory = this.#ring.oldestCursor
        const last = Math.min(event.sequence - 1, inMemory)
        if (last > position && !event.standsForGap) yield this.#notStored(position, last, event)
        position = event.sequence > inMemory ? Math.max(position, inMemory) : event.sequence
        if (event.sequence > inMemory) break
        yield event
      }
    }
    for (const event of this.#ring.after(position)) {
      if (event.sequence > this.#published) return
      yield event
    }
  }

  /** Preconditions: no more events come. The store stays open: its opener closes it. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.flush()
    if (this.#soon !== null) clearImmediate(this.#soon)
  }

  #note(fact: Fact | null): void {
    if (fact !== null && this.#options.persistsSettings) this.#facts?.push(fact)
  }

  #flushSoon(): void {
    if (this.#options.storage !== null) this.#soon ??= setImmediate(() => this.flush())
  }

  get #readable(): EventStore | null {
    return this.#fault?.retryAt === null ? null : (this.#options.storage?.store ?? null)
  }

  #publish(event: RingEvent): void {
    this.#published = event.sequence
    this.#options.publish(event)
  }

  /** Writes everything that the store does not have: in one transaction, but for what had to wait for room. */
  #write(): void {
    const { storage } = this.#options
    const store = this.#readable
    const now = this.#options.now()
    if (store === null || storage === null || now < (this.#fault?.retryAt ?? 0)) return
    const began = performance.now()
    try {
      const why = `the journal could not be written to: ${this.#fault?.reason}`
      const events = unwritten(store, {
        ring: this.#ring,
        selection: this.#selection,
        source: this.#options.source,
        why,
      })
      const last = this.#fault === null ? events : writeBacklog(events, { ...storage, now })
      store.append(last, now, this.#facts ?? [])
      if (this.#facts === null) store.replaceFacts(this.#options.facts())
      this.#facts = []
      this.#fault = null
      // Readers find the others in the file. While it cannot be written, memory has to hold more.
      this.#ring.shrink(Math.max(bounds.eventsCachedOfFile, this.#ring.newest - this.#published))
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#options.onCommitted?.(performance.now() - began)
    if (now >= this.#trimAt) this.#trim()
  }

  /** Stands for the events after a sequence up to another one, which the file does not have. */
  #notStored(after: number, last: number, next: PersistedEvent): NotStored {
    const before = this.#attempt((store) => store.lastUpTo(after), null)
    const from = before === null ? next.time : new PersistedEvent(before).time
    return new NotStored({ source: this.#options.source, after, last, from, to: next.time }, this.#selection.missing)
  }

  #read(position: number): PersistedEvent[] {
    const read = (store: EventStore) => store.read(position, bounds.journalPageEvents)
    return this.#attempt((store) => read(store).map((event) => new PersistedEvent(event)), [])
  }

  /** Reads from the file; if that fails, the file is at fault. */
  #attempt<Result>(read: (store: EventStore) => Result, otherwise: Result): Result {
    const before = this.#fault
    const store = this.#readable
    if (store === null) return otherwise
    try {
      return read(store)
    } catch (error) {
      this.#fail(error)
      this.#report(before)
      return otherwise
    }
  }

  #trimAndReport(): void {
    const before = this.#fault
    this.#trim()
    this.#report(before)
  }

  #trim(): void {
    const { storage, now } = this.#options
    const store = this.#readable
    if (store === null || storage === null) return
    try {
      const isMore = store.trim(storage.retention, now())
      this.#trimAt = isMore ? 0 : now() + bounds.trimEveryMs
    } catch (error) {
      this.#fail(error)
    }
  }

  /** A damaged file is never written again. Other faults, such as a full disk, may end: writing is tried again. */
  #fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    this.#facts = null
    this.#fault = { reason, retryAt: isCorruption(error) ? null : this.#options.now() + bounds.journalRetryMs }
  }

  #report(before: Fault | null): void {
    if ((before === null) !== (this.#fault === null)) this.#options.onFault(this.fault)
  }
}

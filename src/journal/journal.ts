/**
 * All events in order: the recent ones in memory, and where there is a store, in a file that outlives the process. With a store what
 * one tick brings is kept in one transaction, and told after that: nobody is told what a restart would not know of.
 */

import { bounds } from '../base/bounds.ts'
import type { KernelEvent } from '../kernel/events.ts'
import { type CursorFact, type DefinitionFact, type Fact, factOf } from './facts.ts'
import { lostEvent } from './lost-event.ts'
import { EventRing, type RingEvent, type RingOptions } from './ring.ts'
import { type EventStore, isCorruption, type Retention, type StoredEvent } from './store.ts'
import { PersistedEvent } from './stored-event.ts'

export interface JournalStorage {
  readonly store: EventStore
  readonly retention: Retention
}

export interface JournalOptions extends RingOptions {
  /** Null: in memory only. */
  readonly storage: JournalStorage | null
  /** All that is kept besides events: asked for when the file has missed some of it. */
  readonly facts: () => readonly Fact[]
  /** Whether that includes what is set, and what has tripped. */
  readonly persistsSettings: boolean
  /** Each event, when it is kept. */
  readonly publish: (event: RingEvent) => void
  /** The file takes nothing any more, and events are in memory only; null: it takes them again. */
  readonly onFault: (reason: string | null) => void
  /** How long it took to keep what one tick brought. */
  readonly onCommitted?: (ms: number) => void
  /** ms of Unix time. */
  readonly now: () => number
}

interface Fault {
  readonly reason: string
  /** Null: never. */
  readonly retryAt: number | null
}

export class Journal {
  readonly #options: JournalOptions
  readonly #ring: EventRing
  readonly #timer: NodeJS.Timeout | null
  /** Sequence of the newest event that has been told. */
  #told: number
  #fault: Fault | null = null
  #soon: NodeJS.Immediate | null = null
  /** What has been set since the file was last written to; null: the file has missed some. */
  #facts: Fact[] | null = []
  #trimAt = 0

  /** Sequences go on from the newest that is kept; where there is none, from the first. */
  constructor(options: JournalOptions) {
    this.#options = options
    const newest = options.storage?.store.newest ?? null
    this.#ring = new EventRing({ ...options, firstSequence: newest === null ? options.firstSequence : newest + 1 })
    this.#told = this.#ring.newest
    this.#timer = options.storage === null ? null : setInterval(() => this.#trimAndReport(), bounds.trimEveryMs).unref()
  }

  /** The newest event of the process before this one; null where there is none. Preconditions: nothing has been appended. */
  inherited(): PersistedEvent | null {
    const newest = this.#readable?.newest ?? null
    return newest === null ? null : (this.#read(newest - 1)[0] ?? null)
  }

  /** Why events are in memory only although there is a file; null where they are not. */
  get fault(): string | null {
    return this.#fault?.reason ?? null
  }

  /** Sequence of the newest event that has been told. */
  get newest(): number {
    return this.#told
  }

  /** What the next event will have. */
  get nextSequence(): number {
    return this.#ring.newest + 1
  }

  /** So many can be read again. */
  get events(): number {
    return this.#told - this.oldestCursor
  }

  /** Of the file; null where there is none, or it cannot be read. */
  get bytes(): number | null {
    try {
      return this.#readable?.bytes ?? null
    } catch {
      // Whoever next writes to it says why.
      return null
    }
  }

  get oldestCursor(): number {
    const store = this.#readable
    // With a hole between the two, only what is in memory can be read on without a gap.
    const isWhole = store !== null && store.newest !== null && store.newest >= this.#ring.oldestCursor
    return isWhole ? Math.min(store.oldest! - 1, this.#ring.oldestCursor) : this.#ring.oldestCursor
  }

  append(news: KernelEvent): void {
    const event = this.#ring.append(news)
    // Not all of them at the end of the tick: the ring would forget the first before they were kept.
    const isFull = event.sequence - this.#told >= Math.min(bounds.journalBatchMax, this.#options.eventsMax)
    if (this.#options.storage === null) this.#tell(event)
    else {
      this.#note(factOf(news))
      if (isFull) this.flush()
      else this.#flushSoon()
    }
  }

  /** Something is set, or not any more: kept with the events of the same tick. */
  define(fact: DefinitionFact): void {
    this.#note(fact)
    this.#flushSoon()
  }

  /** A subscriber has dealt with all up to somewhere: as `define`. */
  persistCursor(fact: CursorFact): void {
    if (this.#options.storage !== null) this.#facts?.push(fact)
    this.#flushSoon()
  }

  /** All that has happened so far is kept and told, as at the end of the tick. */
  flush(): void {
    if (this.#soon !== null) clearImmediate(this.#soon)
    this.#soon = null
    if (this.#told === this.#ring.newest && this.#facts?.length === 0) return
    const before = this.#fault
    const events = [...this.#ring.after(this.#told)]
    this.#keep()
    for (const event of events) this.#tell(event)
    this.#report(before)
  }

  /** Events after a sequence, oldest first, up to the newest that was told. Preconditions: `oldestCursor <= sequence`. */
  *after(sequence: number): Generator<RingEvent | PersistedEvent> {
    let position = sequence
    while (position < this.#ring.oldestCursor) {
      const events = this.#read(position)
      // Whoever reads sees that it has not come to the newest.
      if (events.length === 0) return
      for (const event of events) {
        yield event
        position = event.sequence
      }
    }
    for (const event of this.#ring.after(position)) {
      if (event.sequence > this.#told) return
      yield event
    }
  }

  /** Preconditions: nothing happens any more. The store is not closed: it is whoever opened it who does. */
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

  #tell(event: RingEvent): void {
    this.#told = event.sequence
    this.#options.publish(event)
  }

  /** All that the store does not have yet, in one transaction. */
  #keep(): void {
    const store = this.#readable
    const now = this.#options.now()
    if (store === null || now < (this.#fault?.retryAt ?? 0)) return
    const began = performance.now()
    try {
      const { oldestCursor } = this.#ring
      // The disk was full for so long that memory has forgotten some: whoever reads on over that is told.
      const isHole = store.newest !== null && store.newest < oldestCursor
      const recent = [...this.#ring.after(isHole ? oldestCursor : (store.newest ?? oldestCursor))]
      store.append(isHole ? [this.#hole(store, recent[0]!), ...recent] : recent, now, this.#facts ?? [])
      if (this.#facts === null) store.replaceFacts(this.#options.facts())
      this.#facts = []
      this.#fault = null
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#options.onCommitted?.(performance.now() - began)
    if (now >= this.#trimAt) this.#trim()
  }

  /** In place of the events that were told, and are neither in the file nor in memory any more. Preconditions: the file has some. */
  #hole(store: EventStore, next: RingEvent): StoredEvent {
    const [before] = store.read((store.newest ?? 0) - 1, 1)
    return lostEvent({
      source: this.#options.source,
      why: `the journal could not be written to: ${this.#fault?.reason}`,
      before: new PersistedEvent(before!),
      after: new PersistedEvent(next),
    })
  }

  #read(position: number): PersistedEvent[] {
    const before = this.#fault
    try {
      const events = this.#readable?.read(position, bounds.journalPageEvents) ?? []
      return events.map((event) => new PersistedEvent(event))
    } catch (error) {
      this.#fail(error)
      this.#report(before)
      return []
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

  /** A damaged file is not written to again; what else there is may pass, as a full disk does. */
  #fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    this.#facts = null
    this.#fault = { reason, retryAt: isCorruption(error) ? null : this.#options.now() + bounds.journalRetryMs }
  }

  #report(before: Fault | null): void {
    if ((before === null) !== (this.#fault === null)) this.#options.onFault(this.fault)
  }
}

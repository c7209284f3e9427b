/** Emits the events of the service itself: its restarts, and faults of its journal, event loop and clock. */

import type { FastifyBaseLogger } from 'fastify'
import { durationText } from '../base/duration.ts'
import type { SetAside } from '../journal/data-directory.ts'
import type { EventData, EventType } from '../kernel/events.ts'
import type { Kernel } from '../kernel/kernel.ts'

export type ServiceFault = 'journal' | 'event-loop' | 'clock'

export class ServiceEvents {
  readonly #kernel: () => Kernel
  readonly #logger: FastifyBaseLogger

  constructor(kernel: () => Kernel, logger: FastifyBaseLogger) {
    this.#kernel = kernel
    this.#logger = logger
  }

  /**
   * A subscriber that resumes with a cursor from before the restart needs an event that says so.
   * `last` is the time of the last event before the restart.
   */
  restarted(last: string, { isModel }: { isModel: boolean }): void {
    // The model misses nothing while the service is down, but it begins in another state.
    if (isModel) this.#emit('state.replaced', { before: last })
    else this.#emit('events.lost', { count: null, from: last, to: this.#now(), why: 'the service was not running' })
  }

  /** Neither the events nor the settings of a damaged journal can be read any more. */
  setAside({ file, reason }: SetAside): void {
    const why = `the journal was damaged (${reason}): it is now ${file}, and thresholds and timers must be set again`
    this.#emit('events.lost', { count: null, from: null, to: this.#now(), why })
  }

  /** Subscribers still get events that the journal cannot store. Null: the journal stores events again. */
  journalFault(reason: string | null): void {
    if (reason === null) {
      this.#logger.warn('the journal stores events again')
      this.recovered('journal', 'it stores events again')
      return
    }
    this.#logger.error({ reason }, 'the journal cannot store events: they are in memory only')
    this.#degraded('journal', `events are in memory only: ${reason}`)
  }

  loopBlocked(ms: number): void {
    const blocked = durationText(ms)
    const reason = `the event loop did not turn for ${blocked}: events of that time come late, and no request was answered`
    this.#degraded('event-loop', reason, { blocked })
  }

  /** The wall clock was set by so many ms; below 0, back. */
  clockSet(ms: number): void {
    const by = durationText(Math.abs(ms))
    const reason =
      ms < 0
        ? `the wall clock was set back by ${by}: times in events are ahead of it by that much, and run a tenth slower until the two agree`
        : `the wall clock was set forward by ${by}: timers may have ended early by that much`
    this.#logger.warn({ reason }, 'the wall clock was set')
    this.#degraded('clock', reason)
  }

  recovered(what: ServiceFault, reason?: string): void {
    this.#emit('source.recovered', { what, ...(reason !== undefined && { reason }) })
  }

  #degraded(what: ServiceFault, reason: string, more: Pick<EventData['source.degraded'], 'blocked'> = {}): void {
    this.#emit('source.degraded', { what, reason, ...more })
  }

  #emit<Type extends EventType>(type: Type, data: EventData[Type]): void {
    const kernel = this.#kernel()
    kernel.emit(type, { subject: kernel.system.path, about: [], data })
  }

  #now(): string {
    return new Date(this.#kernel().now).toISOString()
  }
}

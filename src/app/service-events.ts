/** What the service tells of itself, at the root: its restarts, its journal, its event loop and its clock. */

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

  /** Who reads on from before a restart has to know that there was one: it is an event in its place. */
  restarted(last: string, { isModel }: { isModel: boolean }): void {
    // In the model nothing has happened meanwhile, but this is another.
    if (isModel) this.#tell('state.replaced', { before: last })
    else this.#tell('events.lost', { count: null, from: last, to: this.#now(), why: 'the service was not running' })
  }

  /** What was in it cannot be read any more, nor what was set. */
  setAside({ file, reason }: SetAside): void {
    const why = `the journal was damaged (${reason}): it is now ${file}, and what was set is to be set again`
    this.#tell('events.lost', { count: null, from: null, to: this.#now(), why })
  }

  /** What is not kept can still be heard. Null: it takes events again. */
  journalFault(reason: string | null): void {
    if (reason === null) {
      this.#logger.warn('the journal takes events again')
      this.recovered('journal', 'it takes events again')
      return
    }
    this.#logger.error({ reason }, 'the journal takes no events: they are kept in memory only')
    this.#degraded('journal', `events are in memory only: ${reason}`)
  }

  loopBlocked(ms: number): void {
    const blocked = durationText(ms)
    const reason = `the event loop did not turn for ${blocked}: what happened meanwhile is told late, and nobody was answered`
    this.#degraded('event-loop', reason, { blocked })
  }

  /** By so many ms: below 0 back. */
  clockSet(ms: number): void {
    const by = durationText(Math.abs(ms))
    const reason =
      ms < 0
        ? `the wall clock was set back by ${by}: times told are ahead of it by so much, and it goes a tenth slower here until they agree`
        : `the wall clock was set forward by ${by}: what counts time may have come early by so much`
    this.#logger.warn({ reason }, 'the wall clock was set')
    this.#degraded('clock', reason)
  }

  recovered(what: ServiceFault, reason?: string): void {
    this.#tell('source.recovered', { what, ...(reason !== undefined && { reason }) })
  }

  #degraded(what: ServiceFault, reason: string, more: Pick<EventData['source.degraded'], 'blocked'> = {}): void {
    this.#tell('source.degraded', { what, reason, ...more })
  }

  #tell<Type extends EventType>(type: Type, data: EventData[Type]): void {
    const kernel = this.#kernel()
    kernel.emit(type, { subject: kernel.system.path, about: [], data })
  }

  #now(): string {
    return new Date(this.#kernel().now).toISOString()
  }
}

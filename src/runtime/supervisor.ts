/** Notifies the supervisor: ready, status, and watchdog signals as long as the source works. */

import { durationText } from '../base/duration.ts'
import type { Source } from '../sources/source.ts'
import type { Send } from './notify-socket.ts'
import { readSupervision } from './supervision.ts'

const statusMs = 10_000

export interface SupervisorParts {
  readonly source: Pick<Source, 'ready' | 'scanAge' | 'degraded'>
  readonly send: Send
  readonly watchdogMs: number | null
  /** Called when a message could not be sent, once for each reason until one could be sent. */
  readonly onFailure: (reason: string) => void
}

export class Supervisor {
  readonly #parts: SupervisorParts
  #timer: NodeJS.Timeout | null = null
  #place = ''
  #status = ''
  #failure: string | null = null

  constructor(parts: SupervisorParts) {
    this.#parts = parts
  }

  /** Null when there is no supervisor. @throws ConfigError */
  static async find(
    environment: NodeJS.ProcessEnv,
    { source, onFailure }: Pick<SupervisorParts, 'source' | 'onFailure'>,
  ): Promise<Supervisor | null> {
    const supervision = readSupervision(environment, process.pid)
    if (supervision === null) return null
    // Imported only when needed: the calls of the C library exist on Linux only.
    const { notifySocket } = await import('./notify-socket.ts')
    const { socket, watchdogMs } = supervision
    return new Supervisor({ source, send: notifySocket(socket), watchdogMs, onFailure })
  }

  /** The source has read the machine once, and the service answers requests at this URL. */
  ready(place: string): void {
    this.#place = place
    this.#send(['READY=1', ...this.#statusIfNew()])
    const { watchdogMs } = this.#parts
    this.#timer = setInterval(() => this.#turn(), Math.min(statusMs, (watchdogMs ?? Number.POSITIVE_INFINITY) / 2))
  }

  stopping(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#send(['STOPPING=1', 'STATUS=ending'])
  }

  /** Runs on a timer, which itself shows that the event loop turns. */
  #turn(): void {
    const { source, watchdogMs } = this.#parts
    const isAlive = watchdogMs !== null && source.ready()
    this.#send([...this.#statusIfNew(), ...(isAlive ? ['WATCHDOG=1'] : [])])
  }

  #statusIfNew(): string[] {
    const status = this.#statusNow()
    if (status === this.#status) return []
    this.#status = status
    return [`STATUS=${status}`]
  }

  #statusNow(): string {
    const { source } = this.#parts
    const degraded = source.degraded()
    const but = degraded.length === 0 ? '' : `; degraded: ${degraded.join(', ')}`
    if (source.ready()) return `serves ${this.#place}${but}`
    return `not ready: the last scan ended ${durationText(source.scanAge() ?? 0)} ago${but}`
  }

  #send(lines: readonly string[]): void {
    if (lines.length === 0) return
    const failure = this.#parts.send(lines.join('\n'))
    if (failure !== null && failure !== this.#failure) this.#parts.onFailure(failure)
    this.#failure = failure
  }
}

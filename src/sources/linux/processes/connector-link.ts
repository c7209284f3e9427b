/**
 * Connects the main thread to the connector worker: starts it, restarts it after a failure, and hands on the births and
 * deaths that it reports. Events that arrive before the first scan is recorded are queued until `release`.
 */

import { durationText } from '../../../base/duration.ts'
import type { SourceCheck } from '../../source.ts'
import type { Periods } from '../abilities.ts'
import type { SourceDegradations } from '../degradations.ts'
import type { ProcNamespace } from '../native/proc-namespace.ts'
import type { ConnectorMessage, ProcessEvent, ScanOptions } from '../protocol.ts'
import { restartLater, startConnector } from '../workers.ts'

type Loss = Extract<ConnectorMessage, { type: 'lost' }>

export interface ConnectorLinkParts extends Pick<ScanOptions, 'procRoot' | 'clockOffset'> {
  readonly namespace: ProcNamespace
  readonly periods: Periods
  readonly degradations: SourceDegradations
  readonly onEvents: (events: readonly ProcessEvent[]) => void
  readonly onLoss: (loss: Loss) => void
  readonly onFault: (error: Error) => void
}

export class ConnectorLink {
  readonly #parts: ConnectorLinkParts
  #worker: ReturnType<typeof startConnector> | null = null
  #stopping = false
  /** Null once the first scan is recorded. */
  #queued: ProcessEvent[] | null = []
  #refusal: string | null = null

  constructor(parts: ConnectorLinkParts) {
    this.#parts = parts
  }

  /** The first scan is not recorded yet. */
  get isQueueing(): boolean {
    return this.#queued !== null
  }

  /** Resolves when the worker either listens or was refused. */
  async listen(): Promise<void> {
    const { procRoot, namespace, clockOffset, onFault } = this.#parts
    if (procRoot !== '/proc') {
      this.#refuse(`the connector reports on /proc, but ${procRoot} is read instead`)
      return
    }
    if (!namespace.isOwn) {
      this.#refuse('the connector reports ids of its own pid namespace, and /proc has those of another')
      return
    }
    let decided: () => void = () => {}
    const decision = new Promise<void>((resolve) => {
      decided = resolve
    })
    this.#worker = startConnector(
      { clockOffset },
      (message) => {
        this.#take(message)
        decided()
      },
      (error) => {
        decided()
        onFault(error)
        this.#refuse(`the connector worker ended: ${error.message}`)
        restartLater(
          () => this.listen(),
          () => this.#stopping,
        )
      },
    )
    await decision
  }

  /** Hands on the queued events; later ones are handed on as they come. */
  release(): void {
    const queued = this.#queued ?? []
    this.#queued = null
    this.#parts.onEvents(queued)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#worker?.stop()
  }

  check(): SourceCheck {
    const { birthsReported, fullMs } = this.#parts.periods
    if (birthsReported)
      return { name: 'inventory', ok: true, detail: 'the proc connector reports births and deaths as they happen' }
    const detail = `polling every ${durationText(fullMs)}, short-lived processes go unseen: ${this.#refusal ?? 'the connector is not up'}`
    return { name: 'inventory', ok: false, detail }
  }

  #take(message: ConnectorMessage): void {
    const { periods, degradations, onEvents, onLoss } = this.#parts
    if (message.type === 'listening') {
      periods.birthsReported = true
      degradations.recover('connector')
    } else if (message.type === 'refused') this.#refuse(message.reason)
    else if (message.type === 'lost') onLoss(message)
    else if (this.#queued === null) onEvents(message.events)
    else this.#queued.push(...message.events)
  }

  #refuse(reason: string): void {
    this.#parts.periods.birthsReported = false
    this.#refusal = reason
    this.#parts.degradations.degrade(
      'connector',
      `births and deaths are found by polling, short-lived processes go unseen: ${reason}`,
    )
  }
}

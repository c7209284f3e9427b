/** Runs the configured routes: builds their parts, persists their cursors, and reports their figures. */

import type { EventLog } from '../stream/event-log.ts'
import { Alertmanager } from './alertmanager.ts'
import { commandRun } from './command.ts'
import type { DeadLetterFile } from './dead-letters.ts'
import type { DeliveredEvent } from './delivered-event.ts'
import { HttpSender } from './http-sender.ts'
import type { ReactionPositions } from './positions.ts'
import { Pump, type PumpFigures, type PumpOptions } from './pump.ts'
import type { CommandRoute, Route, WebhookRoute } from './route.ts'
import { batchedWebhook, structuredWebhook } from './webhook.ts'

export interface ReactionStatus extends PumpFigures {
  readonly kind: 'webhook' | 'exec'
  readonly name: string
  /** With Alertmanager: the alerts that are open. */
  readonly openAlerts?: number
}

export interface ReactionsOptions {
  readonly routes: readonly Route[]
  readonly log: EventLog
  /** CloudEvents `source` of this service. */
  readonly source: string
  readonly version: string
  readonly positions: ReactionPositions
  /** The cursor at which new routes begin. */
  readonly start: number
  /** Null: dead letters go to the log of the service. */
  readonly deadLetters: DeadLetterFile | null
  /** Keys of the conditions that hold at present, as alerts have them. */
  readonly conditions: () => ReadonlySet<string>
  readonly logger: ReactionLogger
  /** ms of Unix time. */
  readonly now: () => number
}

interface ReactionLogger {
  info(text: string): void
  warn(fields: object, text: string): void
  error(fields: object, text: string): void
}

interface Running {
  readonly kind: ReactionStatus['kind']
  readonly name: string
  readonly pump: Pump
  readonly alertmanager: Alertmanager | null
  readonly close: () => Promise<void>
}

export class Reactions {
  readonly #options: ReactionsOptions
  #running: readonly Running[] = []

  constructor(options: ReactionsOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#options.routes.map((route) =>
      route.kind === 'webhook' ? this.#startWebhook(route) : this.#startCommand(route),
    )
  }

  /** There are new events. */
  wake(): void {
    for (const { pump } of this.#running) pump.wake()
  }

  status(): ReactionStatus[] {
    return this.#running.map(({ kind, name, pump, alertmanager }) => ({
      kind,
      name,
      ...pump.figures(),
      ...(alertmanager !== null && { openAlerts: alertmanager.size }),
    }))
  }

  /** Aborts what is under way; the next start delivers it again. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.map(({ close }) => close()))
  }

  #startWebhook(route: WebhookRoute): Running {
    const { kind, name } = route
    const { version, positions, conditions } = this.#options
    const sender = new HttpSender({ ...route, version })
    const alertmanager =
      route.format === 'alertmanager'
        ? new Alertmanager({
            sender,
            open: positions.alertsOf(name),
            persist: (key, alert) => positions.persistAlert(name, key, alert),
            conditions,
            now: Date.now,
          })
        : null
    const deliver: PumpOptions['deliver'] =
      alertmanager !== null
        ? (delivery) => alertmanager.deliver(delivery)
        : route.format === 'batched'
          ? batchedWebhook(sender)
          : structuredWebhook(sender)
    const batchMax = route.format === 'structured' ? 1 : route.batchMax
    const giveUp = (events: readonly DeliveredEvent[]) => alertmanager?.giveUp(events)
    const pump = this.#pump(route, { deliver, batchMax, slots: 1 }, giveUp)
    const close = async () => {
      // A delivery of the pump may wait behind alerts that are sent again.
      await Promise.all([pump.stop(), alertmanager?.stop()])
      await sender.close()
    }
    return { kind, name, pump, alertmanager, close }
  }

  #startCommand(route: CommandRoute): Running {
    const { kind, name, slots } = route
    const pump = this.#pump(route, { deliver: commandRun(route), batchMax: 1, slots })
    return { kind, name, pump, alertmanager: null, close: () => pump.stop() }
  }

  #pump(
    route: Route,
    { deliver, batchMax, slots }: Pick<PumpOptions, 'deliver' | 'batchMax' | 'slots'>,
    onGivenUp: (events: readonly DeliveredEvent[]) => void = () => {},
  ): Pump {
    const { log, source, positions, start, logger, now } = this.#options
    const { kind, name, wants, retry } = route
    return new Pump({
      log,
      wants,
      source,
      batchMax,
      slots,
      retry,
      cursor: positions.cursorOf(kind, name) ?? start,
      deliver,
      persist: (cursor) => positions.persistCursor(kind, name, cursor),
      deadLetter: (events, letter) => {
        this.#options.deadLetters?.append(`${kind} ${name}`, events, letter)
        logger.error({ reaction: name, ...letter, ...this.#lettersInLog(events) }, `${kind} ${name}: dead letters`)
        onGivenUp(events)
      },
      onFailing: (reason) => {
        if (reason === null) logger.info(`${kind} ${name} delivers again`)
        else logger.warn({ reaction: name, reason }, `${kind} ${name} cannot deliver: it is tried again`)
      },
      now,
    })
  }

  /** Without a file, the log is the only place for the events themselves. */
  #lettersInLog(events: readonly DeliveredEvent[]): object {
    if (this.#options.deadLetters !== null) return { ids: events.map(({ sequence }) => sequence) }
    return { events: events.map(({ json }) => json.toString()) }
  }
}

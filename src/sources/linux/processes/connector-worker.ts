/**
 * Receives births and deaths from the kernel's proc connector in a worker thread, and posts them to the main thread in
 * batches.
 */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Clocks } from '../native/clocks.ts'
import { nameOfErrno } from '../native/libc.ts'
import { batchMessagesMax, ConnectorSocket } from '../native/netlink.ts'
import { type ConnectorEvent, parseConnectorMessage } from '../parse/connector.ts'
import type { ConnectorMessage, ScanOptions } from '../protocol.ts'
import { processEventsOf } from './process-event-reader.ts'
import { SequenceGaps } from './sequence-gaps.ts'

const acknowledgeMsMax = 1000
// In a fork storm, a pause lets a batch grow. That saves calls, and more processes have already ended and need no
// reading.
const stormEventsPerSecond = 3000
const stormPauseMs = 1
const adjustMs = 1000

/** @throws Error outside a worker thread */
function requirePort(): MessagePort {
  if (parentPort === null) throw new Error('connector-worker runs as a worker thread')
  return parentPort
}

const port = requirePort()
const options: Pick<ScanOptions, 'clockOffset'> = workerData
function post(message: ConnectorMessage): void {
  port.postMessage(message)
}

const pauseCell = new Int32Array(new SharedArrayBuffer(4))
function pause(milliseconds: number): void {
  Atomics.wait(pauseCell, 0, 0, milliseconds)
}

function messagesIn(connector: ConnectorSocket, count: number): ConnectorEvent[] {
  const events: ConnectorEvent[] = []
  for (let slot = 0; slot < count; slot++) {
    const event = parseConnectorMessage(connector.messages, connector.startOf(slot), connector.lengthOf(slot))
    if (event) events.push(event)
  }
  return events
}

/**
 * Asks the kernel to send events and waits for its answer. Returns the events that arrived before the answer, to be
 * posted after `listening`, or the reason of a refusal.
 */
function awaitAcknowledgement(connector: ConnectorSocket): ConnectorEvent[] | string {
  const token = (process.pid ^ Date.now()) & 0x7fff_ffff
  const failure = connector.request(token, true)
  if (failure) return failure
  const early: ConnectorEvent[] = []
  for (const until = performance.now() + acknowledgeMsMax; performance.now() < until; ) {
    const received = connector.receive()
    if (received.result === 'failed') return received.reason
    if (received.result !== 'messages') continue
    const events = messagesIn(connector, received.count)
    early.push(...events)
    for (const event of events) {
      if (event.what !== 'acknowledged' || event.token !== token) continue
      return event.error === 0 ? early : `the proc connector refused: ${nameOfErrno(event.error)}`
    }
  }
  return 'the proc connector did not answer: the kernel has none, or this is not the initial pid namespace'
}

class Listener {
  readonly #clocks = new Clocks(options.clockOffset)
  readonly #gaps = new SequenceGaps(this.#clocks.now())
  readonly #connector: ConnectorSocket
  #stopped = false
  #adjustedAt = performance.now()
  #eventsSinceAdjust = 0
  #storm = false

  constructor(connector: ConnectorSocket) {
    this.#connector = connector
  }

  forward(events: readonly ConnectorEvent[]): void {
    this.#eventsSinceAdjust += events.length
    for (const { cpu, sequence, monotonicNs } of events) {
      const loss = this.#gaps.record(cpu, sequence, this.#clocks.unixMs(monotonicNs))
      if (loss) post({ type: 'lost', ...loss })
    }
    const processEvents = processEventsOf(events, this.#clocks)
    if (processEvents.length > 0) post({ type: 'events', events: processEvents })
  }

  #adjust(): void {
    const now = performance.now()
    if (now - this.#adjustedAt < adjustMs) return
    this.#clocks.adjust()
    this.#storm = (this.#eventsSinceAdjust * 1000) / (now - this.#adjustedAt) > stormEventsPerSecond
    this.#adjustedAt = now
    this.#eventsSinceAdjust = 0
  }

  readonly #turn = (): void => {
    if (this.#stopped) return
    if (this.#storm) pause(stormPauseMs)
    const received = this.#connector.receive()
    if (received.result === 'failed') throw new Error(received.reason)
    if (received.result === 'overflow') this.#gaps.overflowedAt(this.#clocks.now())
    if (received.result === 'messages') this.forward(messagesIn(this.#connector, received.count))
    this.#adjust()
    const drained =
      received.result === 'nothing' || (received.result === 'messages' && received.count < batchMessagesMax)
    const loss = drained ? this.#gaps.settle(this.#clocks.now()) : null
    if (loss) post({ type: 'lost', ...loss })
    setImmediate(this.#turn)
  }

  listen(): void {
    setImmediate(this.#turn)
  }

  stop(): void {
    this.#stopped = true
    this.#connector.request(0, false)
    this.#connector.close()
  }
}

function run(): void {
  const connector = ConnectorSocket.open()
  if (typeof connector === 'string') {
    post({ type: 'refused', reason: connector })
    return
  }
  const early = awaitAcknowledgement(connector)
  if (typeof early === 'string') {
    connector.close()
    post({ type: 'refused', reason: early })
    return
  }
  post({ type: 'listening' })
  const listener = new Listener(connector)
  port.once('message', () => listener.stop())
  listener.forward(early)
  listener.listen()
}

run()

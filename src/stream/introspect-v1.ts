/**
 * Serves the WebSocket subprotocol `introspect.v1`: JSON frames open and close many subscriptions on one connection.
 */

import type { RawData, WebSocket } from 'ws'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { LoggedEvent } from './event-log.ts'
import { ClientFrame, type ServerFrame } from './frames.ts'
import type { Hub, SubscriberConnection, SubscriptionRequest } from './hub.ts'
import { frameProblem, type StreamProblem } from './problems.ts'
import { closeTakenOver } from './single-stream.ts'
import type { Sink, Subscription } from './subscription.ts'
import type { WebSocketTransport } from './websocket-transport.ts'

type SubscribeFrame = Extract<ClientFrame, { type: 'subscribe' }>
type Problem = Extract<ServerFrame, { type: 'error' }>['problem']

/** The services of the tree that frames need, bound to the client's connection. */
export interface FrameContext {
  /** Name of the durable subscription of the connection; null if it has none. */
  readonly durable: string | null
  /** Resolves the path and the options of a frame. @throws errors that `problemOf` converts */
  readonly requestOf: (frame: SubscribeFrame) => SubscriptionRequest
  readonly problemOf: (error: unknown) => Problem
}

/** Thrown when a frame is refused. The frame has changed nothing. */
class Refusal extends Error {
  readonly problem: Problem

  constructor(type: StreamProblem, detail: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(detail)
    this.name = 'Refusal'
    this.problem = frameProblem(type, detail, extra)
  }
}

/** Serves the frames of a connection. Returns the function that ends its subscriptions. */
export function serveFrames(
  hub: Hub,
  { socket, transport }: { readonly socket: WebSocket; readonly transport: WebSocketTransport },
  context: FrameContext,
): () => void {
  const connection = new FramesConnection(hub, transport, context)
  const disconnect = hub.connect(connection)
  const release =
    context.durable === null ? () => {} : hub.durables.hold(context.durable, () => closeTakenOver(transport))
  socket.on('message', (data: RawData, isBinary: boolean) => connection.receive(data, isBinary))
  return () => {
    connection.end()
    release()
    disconnect()
  }
}

class FramesConnection implements SubscriberConnection {
  readonly #hub: Hub
  readonly #transport: WebSocketTransport
  readonly #context: FrameContext
  readonly #subscriptions = new Map<string, Subscription>()
  #bad = 0

  constructor(hub: Hub, transport: WebSocketTransport, context: FrameContext) {
    this.#hub = hub
    this.#transport = transport
    this.#context = context
  }

  get queuedBytes(): number {
    return this.#transport.queuedBytes
  }

  get takenBytes(): number {
    return this.#transport.takenBytes
  }

  /** The cursor of the subscription that is furthest behind. */
  get cursor(): number | null {
    const cursors = [...this.#subscriptions.values()].map(({ cursor }) => cursor)
    return cursors.includes(null) ? null : Math.min(this.#hub.log.newest, ...cursors.map(Number))
  }

  bookmark(cursor: number): void {
    this.#send({ type: 'bookmark', cursor: cursorText(cursor), scanAge: this.#hub.scanAge })
  }

  close(code: number, reason: string): void {
    this.#transport.close(code, reason)
  }

  end(): void {
    for (const subscription of this.#subscriptions.values()) this.#hub.unsubscribe(subscription)
    this.#subscriptions.clear()
  }

  receive(data: RawData, isBinary: boolean): void {
    let id: string | undefined
    try {
      const text = isBinary ? null : data.toString()
      const frame = parse(text)
      id = idOf(frame)
      this.#run(validate(frame))
    } catch (error) {
      this.#refuse(error instanceof Refusal ? error.problem : this.#context.problemOf(error), id)
    }
  }

  #run(frame: ClientFrame): void {
    if (frame.type === 'subscribe') this.#subscribe(frame)
    else if (frame.type === 'unsubscribe') this.#unsubscribe(frame.id)
    else this.#acknowledge(frame.cursor)
  }

  #subscribe(frame: SubscribeFrame): void {
    const { id } = frame
    if (this.#subscriptions.has(id))
      throw new Refusal('refused', `the id ${id} is in use on this connection: choose another one`)
    if (this.#subscriptions.size >= bounds.subscriptionsPerConnectionMax) {
      const limit = `a connection has at most ${bounds.subscriptionsPerConnectionMax} subscriptions`
      throw new Refusal('too-many-subscriptions', limit)
    }
    const request = this.#context.requestOf(frame)
    const start = this.#hub.startPosition(request)
    if (start.kind === 'gone') {
      const oldest = cursorText(start.oldest)
      const detail = `read the state again and subscribe after its cursor, or set snapshot; the oldest cursor is ${oldest}`
      throw new Refusal('cursor-gone', detail, { oldest })
    }
    const cursor = cursorText(start.kind === 'after' ? start.cursor : this.#hub.log.newest)
    const snapshot = start.kind === 'snapshot'
    this.#send({ type: 'subscribed', id, path: request.filter.text, cursor, snapshot })
    this.#subscriptions.set(id, this.#hub.subscribe(this.#sinkOf(id), request, start))
  }

  #unsubscribe(id: string): void {
    const subscription = this.#subscriptions.get(id)
    if (subscription === undefined)
      throw new Refusal('no-such-subscription', `there is no subscription ${id} on this connection`)
    this.#subscriptions.delete(id)
    this.#hub.unsubscribe(subscription)
    this.#send({ type: 'unsubscribed', id })
  }

  #acknowledge(cursor: number): void {
    const { durable } = this.#context
    if (durable === null)
      throw new Refusal('refused', 'the connection has no durable subscription: connect with ?durable=<name>')
    const sent = this.cursor
    if (sent === null || cursor > sent) {
      const reached = sent === null ? 'a snapshot is being sent' : `the newest sent cursor is ${cursorText(sent)}`
      throw new Refusal(
        'refused',
        `events up to ${cursorText(cursor)} have not been sent on this connection: ${reached}`,
      )
    }
    this.#hub.durables.acknowledge(durable, cursor)
  }

  #sinkOf(id: string): Sink {
    const transport = this.#transport
    // The text around the event is the same for every event: encode it once.
    const head = Buffer.from(`${JSON.stringify({ type: 'event', id }).slice(0, -1)},"event":`)
    const sendEvent = (json: Buffer) => transport.send(Buffer.concat([head, json, tail]))
    return {
      get queuedBytes() {
        return transport.queuedBytes
      },
      event: ({ json }: LoggedEvent) => sendEvent(json),
      node: sendEvent,
      snapshotEnded: (cursor) =>
        this.#send({ type: 'bookmark', id, cursor: cursorText(cursor), scanAge: this.#hub.scanAge }),
      whenDrained: (then) => transport.whenDrained(then),
      close: (code, reason) => transport.close(code, reason),
    }
  }

  /** Reports the problem to the client. Too many malformed frames close the connection. */
  #refuse(problem: Problem, id: string | undefined): void {
    this.#send({ type: 'error', ...(id !== undefined && { id }), problem })
    if (problem.type === malformed && ++this.#bad >= bounds.badFramesMax)
      this.#transport.close(1008, 'too many malformed frames')
  }

  #send(frame: ServerFrame): void {
    this.#transport.send(Buffer.from(JSON.stringify(frame)))
  }
}

const tail = Buffer.from('}')

const malformed = frameProblem('malformed-frame', '').type

function malformedFrame(detail: string, extra: Record<string, unknown> = {}): Refusal {
  return new Refusal('malformed-frame', detail, extra)
}

/** @throws Refusal */
function parse(text: string | null): unknown {
  if (text === null) throw malformedFrame('send JSON in a text frame; this frame is binary')
  try {
    return JSON.parse(text)
  } catch {
    throw malformedFrame('the frame is not JSON')
  }
}

/** @throws Refusal */
function validate(frame: unknown): ClientFrame {
  const parsed = ClientFrame.safeParse(frame)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    detail: message,
  }))
  throw malformedFrame(
    errors.map(({ pointer, detail }) => (pointer === '' ? detail : `${pointer}: ${detail}`)).join('; '),
    { errors },
  )
}

/** The id in the frame, if it has a valid one: an error frame repeats it. */
function idOf(frame: unknown): string | undefined {
  if (typeof frame !== 'object' || frame === null || !('id' in frame)) return undefined
  const { id } = frame
  return typeof id === 'string' && id.length <= bounds.subscriptionNameMax && id !== '' ? id : undefined
}

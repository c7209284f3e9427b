/** `introspect.v1`: frames in both directions, and as many subscriptions on one socket as they ask for. */

import type { RawData, WebSocket } from 'ws'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { LoggedEvent } from './event-log.ts'
import { ClientFrame, type ServerFrame } from './frames.ts'
import type { Hub, SubscriberConnection, SubscriptionRequest } from './hub.ts'
import { frameProblem, type StreamProblem } from './problems.ts'
import { takenOver } from './single.ts'
import type { Sink, Subscription } from './subscription.ts'
import type { WebSocketLine } from './websocket-line.ts'

type Wish = Extract<ClientFrame, { type: 'subscribe' }>
type Problem = Extract<ServerFrame, { type: 'error' }>['problem']

/** What the frames of a connection may name: the tree, as the one who is connected may see it. */
export interface FrameSpace {
  /** Name of the durable subscription of the connection; null where it has none. */
  readonly durable: string | null
  /** What a frame asks for. @throws what `problemOf` understands */
  readonly ask: (wish: Wish) => SubscriptionRequest
  readonly problemOf: (error: unknown) => Problem
}

/** A frame that is refused: it has changed nothing. */
class Refusal extends Error {
  readonly problem: Problem

  constructor(type: StreamProblem, detail: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(detail)
    this.name = 'Refusal'
    this.problem = frameProblem(type, detail, extra)
  }
}

/** Returns what ends it. */
export function speakFrames(
  hub: Hub,
  { socket, line }: { readonly socket: WebSocket; readonly line: WebSocketLine },
  space: FrameSpace,
): () => void {
  const connection = new FramesConnection(hub, line, space)
  const disconnect = hub.connect(connection)
  const letGo = space.durable === null ? () => {} : hub.durables.hold(space.durable, () => takenOver(line))
  socket.on('message', (data: RawData, isBinary: boolean) => connection.take(data, isBinary))
  return () => {
    connection.end()
    letGo()
    disconnect()
  }
}

class FramesConnection implements SubscriberConnection {
  readonly #hub: Hub
  readonly #line: WebSocketLine
  readonly #space: FrameSpace
  readonly #subscriptions = new Map<string, Subscription>()
  #bad = 0

  constructor(hub: Hub, line: WebSocketLine, space: FrameSpace) {
    this.#hub = hub
    this.#line = line
    this.#space = space
  }

  get queuedBytes(): number {
    return this.#line.queuedBytes
  }

  get takenBytes(): number {
    return this.#line.takenBytes
  }

  /** Of the one that is furthest behind. */
  get cursor(): number | null {
    const cursors = [...this.#subscriptions.values()].map(({ cursor }) => cursor)
    return cursors.includes(null) ? null : Math.min(this.#hub.log.newest, ...cursors.map(Number))
  }

  bookmark(cursor: number): void {
    this.#send({ type: 'bookmark', cursor: cursorText(cursor), scanAge: this.#hub.scanAge })
  }

  close(code: number, reason: string): void {
    this.#line.close(code, reason)
  }

  end(): void {
    for (const subscription of this.#subscriptions.values()) this.#hub.unsubscribe(subscription)
    this.#subscriptions.clear()
  }

  take(data: RawData, isBinary: boolean): void {
    let id: string | undefined
    try {
      const text = isBinary ? null : data.toString()
      const frame = parse(text)
      id = idOf(frame)
      this.#do(understand(frame))
    } catch (error) {
      this.#refuse(error instanceof Refusal ? error.problem : this.#space.problemOf(error), id)
    }
  }

  #do(frame: ClientFrame): void {
    if (frame.type === 'subscribe') this.#subscribe(frame)
    else if (frame.type === 'unsubscribe') this.#unsubscribe(frame.id)
    else this.#acknowledge(frame.cursor)
  }

  #subscribe(wish: Wish): void {
    const { id } = wish
    if (this.#subscriptions.has(id))
      throw new Refusal('refused', `there is a subscription ${id} on this connection already`)
    if (this.#subscriptions.size >= bounds.subscriptionsPerConnectionMax) {
      const most = `a connection has at most ${bounds.subscriptionsPerConnectionMax} subscriptions`
      throw new Refusal('too-many-subscriptions', most)
    }
    const asked = this.#space.ask(wish)
    const beginning = this.#hub.beginning(asked)
    if (beginning.kind === 'gone') {
      const oldest = cursorText(beginning.oldest)
      const detail = `read the state anew, or ask for a snapshot; the oldest cursor kept is ${oldest}`
      throw new Refusal('cursor-gone', detail, { oldest })
    }
    const cursor = cursorText(beginning.kind === 'after' ? beginning.cursor : this.#hub.log.newest)
    const snapshot = beginning.kind === 'snapshot'
    this.#send({ type: 'subscribed', id, path: asked.filter.text, cursor, snapshot })
    this.#subscriptions.set(id, this.#hub.subscribe(this.#sinkOf(id), asked, beginning))
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
    const { durable } = this.#space
    if (durable === null) throw new Refusal('refused', 'this connection is not durable: connect with ?durable=<name>')
    const sent = this.cursor
    if (sent === null || cursor > sent) {
      const detail = `not all up to ${cursorText(cursor)} has been sent on this connection: ${sent === null ? 'a snapshot is on its way' : `it is at ${cursorText(sent)}`}`
      throw new Refusal('refused', detail)
    }
    this.#hub.durables.acknowledge(durable, cursor)
  }

  #sinkOf(id: string): Sink {
    const line = this.#line
    // Written once: it is the same around each of its events.
    const before = Buffer.from(`${JSON.stringify({ type: 'event', id }).slice(0, -1)},"event":`)
    const wrapped = (json: Buffer) => line.send(Buffer.concat([before, json, end]))
    return {
      get queuedBytes() {
        return line.queuedBytes
      },
      event: ({ json }: LoggedEvent) => wrapped(json),
      node: wrapped,
      snapshotEnded: (cursor) =>
        this.#send({ type: 'bookmark', id, cursor: cursorText(cursor), scanAge: this.#hub.scanAge }),
      whenDrained: (then) => line.whenDrained(then),
      close: (code, reason) => line.close(code, reason),
    }
  }

  /** What the client does not do right is answered, and too much of it ends the connection. */
  #refuse(problem: Problem, id: string | undefined): void {
    this.#send({ type: 'error', ...(id !== undefined && { id }), problem })
    if (problem.type === malformed && ++this.#bad >= bounds.badFramesMax)
      this.#line.close(1008, 'too many frames that are not understood')
  }

  #send(frame: ServerFrame): void {
    this.#line.send(Buffer.from(JSON.stringify(frame)))
  }
}

const end = Buffer.from('}')

const malformed = frameProblem('malformed-frame', '').type

function notUnderstood(detail: string, extra: Record<string, unknown> = {}): Refusal {
  return new Refusal('malformed-frame', detail, extra)
}

/** @throws Refusal */
function parse(text: string | null): unknown {
  if (text === null) throw notUnderstood('frames are text: JSON')
  try {
    return JSON.parse(text)
  } catch {
    throw notUnderstood('not JSON')
  }
}

/** @throws Refusal */
function understand(frame: unknown): ClientFrame {
  const parsed = ClientFrame.safeParse(frame)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    detail: message,
  }))
  throw notUnderstood(
    errors.map(({ pointer, detail }) => (pointer === '' ? detail : `${pointer}: ${detail}`)).join('; '),
    { errors },
  )
}

/** So that the client knows which of its frames it was. */
function idOf(frame: unknown): string | undefined {
  if (typeof frame !== 'object' || frame === null || !('id' in frame)) return undefined
  const { id } = frame
  return typeof id === 'string' && id.length <= bounds.subscriptionNameMax && id !== '' ? id : undefined
}

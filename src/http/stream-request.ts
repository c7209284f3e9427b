/** What a stream is asked for in its URL and its headers; all that can be wrong with it is said before it begins. */

import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { Hub, SubscriptionRequest } from '../stream/hub.ts'
import type { FrameContext } from '../stream/introspect-v1.ts'
import type { StartPosition } from '../stream/start-position.ts'
import { CursorText, EventTypesText, SubscriptionName } from '../stream/subscription-request.ts'
import { chooseSubprotocol, subprotocols, type WebSocketRequest } from '../stream/websocket.ts'
import type { TreeContext } from '../tree/definition.ts'
import type { Fragments } from '../tree/fragments.ts'
import { parsePathFilter } from '../tree/path-filter.ts'
import { snapshotOf } from '../tree/snapshot.ts'
import { flag, parseQuery } from './negotiate.ts'
import { Problem, problemOf } from './problems.ts'
import type { Clients } from './security/clients.ts'
import { authorizeOwner, type Token } from './security/gate.ts'

export interface StreamParts {
  readonly context: TreeContext
  readonly hub: Hub
  readonly fragments: Fragments
  readonly clients: Clients
}

const StreamQuery = z.strictObject({
  types: EventTypesText.optional(),
  after: CursorText.optional(),
  snapshot: flag.optional(),
  durable: SubscriptionName.optional(),
})

const LastEvent = z.strictObject({ 'Last-Event-ID': CursorText })

/** Of `introspect.v1` the rest stands in its frames. */
const FramesQuery = z.strictObject({ durable: SubscriptionName.optional() })

function pathOf(request: FastifyRequest): string {
  return request.raw.url!.split('?', 1)[0]!
}

/** What one subscription asks for. @throws Problem, and what is wrong with the path */
export function subscriptionRequestOf(parts: StreamParts, request: FastifyRequest): SubscriptionRequest {
  const { types, after, snapshot = false, durable } = parseQuery(StreamQuery, request.query)
  const last = request.headers['last-event-id']
  // A reconnecting EventSource repeats its URL: where it was by then is the newer of the two.
  const resumed =
    typeof last === 'string' && last !== ''
      ? parseQuery(LastEvent, { 'Last-Event-ID': last })['Last-Event-ID']
      : undefined
  const cursor = resumed ?? after ?? null
  checkStreams(parts.hub)
  const asked = ask(parts, {
    path: pathOf(request),
    after: cursor,
    types: types ?? null,
    snapshot,
    durable: durable ?? null,
  })
  if (durable !== undefined) openDurable(parts, { name: durable, after: cursor, token: request.token })
  return asked
}

/** What a WebSocket is to carry. @throws as `askedOf` */
export function webSocketRequest(parts: StreamParts, request: FastifyRequest): WebSocketRequest {
  const offer = request.headers['sec-websocket-protocol']
  const protocol =
    offer === undefined ? 'cloudevents.json' : chooseSubprotocol(offer.split(',').map((name) => name.trim()))
  if (protocol === null) throw new Problem('unknown-subprotocol', `spoken here: ${subprotocols.join(', ')}`)
  return protocol === 'cloudevents.json'
    ? { subscription: subscriptionRequestOf(parts, request) }
    : { frames: frameContextOf(parts, request) }
}

function frameContextOf(parts: StreamParts, request: FastifyRequest): FrameContext {
  checkStreams(parts.hub)
  const base = pathOf(request)
  // What is wrong with it is said before the upgrade.
  parsePathFilter(parts.context.kernel, base, { past: true })
  const { durable } = parseQuery(FramesQuery, request.query)
  if (durable !== undefined) openDurable(parts, { name: durable, after: null, token: request.token })
  return {
    durable: durable ?? null,
    requestOf: ({ path = base, types = null, after = null, snapshot = false }) =>
      ask(parts, { path, types, after, snapshot, durable: durable ?? null }),
    problemOf: (error) => problemOf(error, base).document,
  }
}

interface Wish extends Omit<SubscriptionRequest, 'filter' | 'snapshot'> {
  readonly path: string
  readonly snapshot: boolean
}

function ask({ context, hub, fragments }: StreamParts, { path, snapshot, ...wish }: Wish): SubscriptionRequest {
  // Who resumes may want to hear of the end of what is there no more.
  const past = wish.after !== null || wish.durable !== null
  const filter = parsePathFilter(context.kernel, path, { past })
  if (snapshot && !hub.hasSnapshotRoom) {
    throw new Problem('too-many-streams', 'too many snapshots are on their way; try again', {
      headers: { 'retry-after': '1' },
    })
  }
  return { ...wish, filter, snapshot: snapshot ? () => snapshotOf(context, fragments, filter) : null }
}

/** It is there from its first connection on, and begins where that does. @throws Problem */
function openDurable(
  { hub }: StreamParts,
  { name, after, token }: { readonly name: string; readonly after: number | null; readonly token: Token | null },
): void {
  const there = hub.durables.get(name)
  if (there !== null) {
    authorizeOwner(token, there)
    return
  }
  checkRoom(hub)
  const settled = hub.settledCursor()
  // What is not kept is not begun with, and is told when the stream begins.
  const cursor = after !== null && after <= settled ? after : settled
  hub.durables.create({ name, owner: token?.name ?? null, cursor })
}

/** @throws Problem */
export function checkRoom({ durables }: Hub): void {
  if (!durables.isFull) return
  throw new Problem(
    'too-many-subscriptions',
    `there are ${bounds.durablesMax} durable subscriptions, which is the most: DELETE one`,
  )
}

/** @throws Problem */
function checkStreams(hub: Hub): void {
  if (hub.size < bounds.streamsMax) return
  throw new Problem('too-many-streams', `${bounds.streamsMax} streams are open, which is the most`, {
    headers: { 'retry-after': '10' },
  })
}

/** @throws Problem where what it wants to resume after is gone */
export function refuseGone(beginning: StartPosition): void {
  if (beginning.kind !== 'gone') return
  const oldest = cursorText(beginning.oldest)
  throw new Problem(
    'cursor-gone',
    `read the state anew and go on from its Introspect-Cursor, or ask for ?snapshot; the oldest kept is ${oldest}`,
    { extra: { oldest } },
  )
}

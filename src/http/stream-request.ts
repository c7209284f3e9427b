/** Parses the URL and headers of a request for a stream, and reports every error before the stream begins. */

import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { Hub, SubscriptionRequest } from '../stream/hub.ts'
import type { FrameContext } from '../stream/introspect-v1.ts'
import type { StartPosition } from '../stream/start-position.ts'
import { CursorText, EventTypesText, GoneChoice, SubscriptionName } from '../stream/subscription-request.ts'
import { chooseSubprotocol, subprotocols, type WebSocketRequest } from '../stream/websocket.ts'
import type { TreeContext } from '../tree/context.ts'
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

/** Empty where an EventSource has received no event yet. */
const LastEventId = z.union([z.literal('').transform(() => undefined), CursorText])

const StreamQuery = z.strictObject({
  types: EventTypesText.optional(),
  after: CursorText.optional(),
  // Two names of the header in the query. Implementations of EventSource that cannot set headers use them.
  lastEventId: LastEventId.optional(),
  'Last-Event-ID': LastEventId.optional(),
  snapshot: flag.optional(),
  durable: SubscriptionName.optional(),
  gone: GoneChoice.optional(),
})

const LastEvent = z.strictObject({ 'Last-Event-ID': LastEventId.optional() })

/** The query of `introspect.v1`, whose frames contain the other parameters. */
const FramesQuery = z.strictObject({ durable: SubscriptionName.optional() })

function pathOf(request: FastifyRequest): string {
  return request.raw.url!.split('?', 1)[0]!
}

/** The subscription of a stream that carries one. @throws Problem, NoSuchPath, MalformedPath */
export function subscriptionRequestOf(parts: StreamParts, request: FastifyRequest): SubscriptionRequest {
  const { types, after, snapshot = false, durable, gone, ...last } = parseQuery(StreamQuery, request.query)
  const inHeader = parseQuery(LastEvent, { 'Last-Event-ID': request.headers['last-event-id'] })
  // A reconnecting EventSource repeats its URL, so Last-Event-ID is newer than `after`.
  const cursor = inHeader['Last-Event-ID'] ?? last.lastEventId ?? last['Last-Event-ID'] ?? after ?? null
  checkStreams(parts.hub)
  const subscription = createRequest(parts, {
    path: pathOf(request),
    after: cursor,
    types: types ?? null,
    snapshot,
    durable: durable ?? null,
    restart: gone === 'restart',
  })
  if (durable !== undefined) openDurable(parts, { name: durable, after: cursor, token: request.token })
  return subscription
}

/** The subscription or the frames that a WebSocket will carry. @throws the errors of `subscriptionRequestOf` */
export function webSocketRequest(parts: StreamParts, request: FastifyRequest): WebSocketRequest {
  const offer = request.headers['sec-websocket-protocol']
  const protocol =
    offer === undefined ? 'cloudevents.json' : chooseSubprotocol(offer.split(',').map((name) => name.trim()))
  if (protocol === null) throw new Problem('unknown-subprotocol', `offer one of ${subprotocols.join(', ')}`)
  return protocol === 'cloudevents.json'
    ? { subscription: subscriptionRequestOf(parts, request) }
    : { frames: frameContextOf(parts, request) }
}

function frameContextOf(parts: StreamParts, request: FastifyRequest): FrameContext {
  checkStreams(parts.hub)
  const base = pathOf(request)
  // Reports an invalid path before the upgrade.
  parsePathFilter(parts.context.kernel, base, { past: true })
  const { durable } = parseQuery(FramesQuery, request.query)
  if (durable !== undefined) openDurable(parts, { name: durable, after: null, token: request.token })
  return {
    durable: durable ?? null,
    requestOf: ({ path = base, types = null, after = null, snapshot = false }) =>
      createRequest(parts, { path, types, after, snapshot, durable: durable ?? null }),
    problemOf: (error) => problemOf(error, base).document,
  }
}

interface RequestParameters extends Omit<SubscriptionRequest, 'filter' | 'snapshot'> {
  readonly path: string
  readonly snapshot: boolean
}

function createRequest(
  { context, hub, fragments }: StreamParts,
  { path, snapshot, ...parameters }: RequestParameters,
): SubscriptionRequest {
  // A client that resumes may need the events about the end of a node that no longer exists.
  const past = parameters.after !== null || parameters.durable !== null
  const filter = parsePathFilter(context.kernel, path, { past })
  if (snapshot && !hub.hasSnapshotRoom) {
    throw new Problem('too-many-streams', 'too many snapshots are in progress; try again', {
      headers: { 'retry-after': '1' },
    })
  }
  return { ...parameters, filter, snapshot: snapshot ? () => snapshotOf(context, fragments, filter) : null }
}

/** Creates a durable subscription at its first connection, with the cursor at which that begins. @throws Problem */
function openDurable(
  { hub }: StreamParts,
  { name, after, token }: { readonly name: string; readonly after: number | null; readonly token: Token | null },
): void {
  const existing = hub.durables.get(name)
  if (existing !== null) {
    authorizeOwner(token, existing)
    return
  }
  checkRoom(hub)
  const settled = hub.settledCursor()
  // A cursor that is not stored yet is not accepted; the stream reports that when it begins.
  const cursor = after !== null && after <= settled ? after : settled
  hub.durables.create({ name, owner: token?.name ?? null, cursor })
}

/** @throws Problem */
export function checkRoom({ durables }: Hub): void {
  if (!durables.isFull) return
  throw new Problem(
    'too-many-subscriptions',
    `there are ${bounds.durablesMax} durable subscriptions, the maximum; delete one`,
  )
}

/** @throws Problem */
function checkStreams(hub: Hub): void {
  if (hub.size < bounds.streamsMax) return
  throw new Problem(
    'too-many-streams',
    `${bounds.streamsMax} streams are open, the maximum; close one, or try again later`,
    {
      headers: { 'retry-after': '10' },
    },
  )
}

/** @throws Problem where the events after the requested cursor are deleted */
export function refuseGone(beginning: StartPosition): void {
  if (beginning.kind !== 'gone') return
  const oldest = cursorText(beginning.oldest)
  throw new Problem(
    'cursor-gone',
    `read the state again and resume from its Introspect-Cursor, or use ?snapshot or ?gone=restart; the oldest cursor is ${oldest}`,
    { extra: { oldest } },
  )
}

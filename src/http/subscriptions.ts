/** `/subscriptions`: the durable ones, each with how far its subscriber has come. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { cursorText } from '../base/cursor.ts'
import type { Durable } from '../stream/durables.ts'
import type { Hub } from '../stream/hub.ts'
import { CursorText, SubscriptionName } from '../stream/subscription-request.ts'
import { NoSuchPath } from '../tree/errors.ts'
import { parseBody } from './body.ts'
import { isTerminal, refuseQuery } from './negotiate.ts'
import { Problem } from './problems.ts'
import { authorize, authorizeOwner } from './security/gate.ts'
import { checkRoom } from './stream-request.ts'

export const SubscriptionView = z
  .strictObject({
    path: z.string(),
    name: z.string(),
    owner: z.string().nullable().describe('name of the token that made it; null where no tokens are in use'),
    cursor: z.string().describe('its subscriber has dealt with all up to it'),
    behind: z.int().nullable().describe('events after it, of whatever path and type; null where they are gone'),
    gone: z.boolean().describe('what comes next is not kept any more: it can only begin anew'),
    connected: z.boolean(),
    kept: z.enum(['journal', 'memory']).describe('in memory it ends with the service'),
    created: z.iso.datetime(),
    acknowledged: z.iso.datetime().nullable().describe('when the cursor was last moved'),
  })
  .meta({ id: 'SubscriptionView' })

export const SubscriptionsView = z
  .strictObject({ path: z.literal('/subscriptions'), entries: z.array(SubscriptionView), next: z.null() })
  .meta({ id: 'SubscriptionsView' })

export const SubscriptionBody = z
  .strictObject({
    cursor: CursorText.describe('it has dealt with all up to it; also back, to hear of something again'),
  })
  .meta({ id: 'SubscriptionBody' })

export interface SubscriptionRouteParts {
  readonly hub: Hub
  /** Where the cursors are. */
  readonly storage: 'journal' | 'memory'
}

export function addSubscriptionRoutes(app: FastifyInstance, parts: SubscriptionRouteParts): void {
  const { hub } = parts
  const { durables } = hub
  app.get('/subscriptions', (request, reply) => {
    authorize(request.token, 'read')
    refuseQuery(request)
    const entries = durables.all().map((durable) => show(parts, durable))
    return send(request, reply, { path: '/subscriptions', entries, next: null })
  })
  app.get('/subscriptions/:name', (request, reply) => {
    authorize(request.token, 'read')
    refuseQuery(request)
    return send(request, reply, show(parts, find(hub, nameOf(request))))
  })
  app.put('/subscriptions/:name', (request, reply) => {
    authorize(request.token, 'read')
    refuseQuery(request)
    const name = checkedName(request)
    const { cursor } = bodyOf(request)
    const there = durables.get(name)
    if (there === null) checkRoom(hub)
    else authorizeOwner(request.token, there)
    refuseStrange(hub, cursor)
    const durable =
      there === null
        ? durables.create({ name, owner: request.token?.name ?? null, cursor })
        : durables.move(name, cursor)
    // What is answered is kept.
    hub.settledCursor()
    if (there === null) reply.code(201).header('location', pathOf(name))
    return send(request, reply, show(parts, durable))
  })
  app.delete('/subscriptions/:name', (request, reply) => {
    authorize(request.token, 'read')
    refuseQuery(request)
    const { name } = find(hub, nameOf(request))
    authorizeOwner(request.token, durables.get(name)!)
    durables.remove(name)
    hub.settledCursor()
    return reply.code(204).send()
  })
}

function pathOf(name: string): string {
  return `/subscriptions/${name}`
}

function nameOf(request: FastifyRequest): string {
  return (request.params as { readonly name: string }).name
}

/** @throws Problem */
function checkedName(request: FastifyRequest): string {
  const parsed = SubscriptionName.safeParse(nameOf(request))
  if (parsed.success) return parsed.data
  throw new Problem('malformed-path', `a name has ${parsed.error.issues.map(({ message }) => message).join('; ')}`)
}

/** @throws NoSuchPath */
function find({ durables }: Hub, name: string): Durable {
  const durable = durables.get(name)
  if (durable === null) throw new NoSuchPath(pathOf(encodeURIComponent(name)), '/subscriptions')
  return durable
}

function bodyOf(request: FastifyRequest): z.output<typeof SubscriptionBody> {
  const text = typeof request.body === 'string' ? request.body : ''
  return parseBody(request.headers['content-type'], text, { body: SubscriptionBody }) as z.output<
    typeof SubscriptionBody
  >
}

/** @throws Problem */
function refuseStrange(hub: Hub, cursor: number): void {
  const newest = hub.settledCursor()
  if (cursor <= newest) return
  throw new Problem('refused', `nothing has happened yet up to there; the newest cursor is ${cursorText(newest)}`)
}

function show(
  { hub, storage }: SubscriptionRouteParts,
  { name, owner, cursor, created, acknowledged }: Durable,
): z.input<typeof SubscriptionView> {
  const newest = hub.settledCursor()
  const gone = cursor < hub.log.oldestCursor || cursor > newest
  return {
    path: pathOf(name),
    name,
    owner,
    cursor: cursorText(cursor),
    behind: gone ? null : newest - cursor,
    gone,
    connected: hub.durables.isConnected(name),
    kept: storage,
    created: new Date(created).toISOString(),
    acknowledged: acknowledged === null ? null : new Date(acknowledged).toISOString(),
  }
}

function send(request: FastifyRequest, reply: FastifyReply, view: object): FastifyReply {
  const pretty = isTerminal(request.headers)
  return reply
    .type('application/json; charset=utf-8')
    .send(`${JSON.stringify(view, null, pretty ? 2 : 0)}${pretty ? '\n' : ''}`)
}

/**
 * Serves the routes below `/subscriptions`: durable subscriptions, each with the cursor that its subscriber has
 * acknowledged.
 */

import { z } from 'zod'
import { cursorText } from '../base/cursor.ts'
import { pathSegment } from '../kernel/nodes/path-segment.ts'
import type { Durable } from '../stream/durables.ts'
import type { Hub } from '../stream/hub.ts'
import { CursorText, SubscriptionName } from '../stream/subscription-request.ts'
import { NoSuchPath } from '../tree/errors.ts'
import { noQuery } from './negotiate.ts'
import { Problem } from './problems.ts'
import { publicPath } from './public-path.ts'
import { authorizeOwner } from './security/gate.ts'
import { sendJson } from './send.ts'
import { defineVerb, type ServiceParts, type ServiceRoute } from './service-route.ts'
import { checkRoom } from './stream-request.ts'

const SubscriptionView = z
  .strictObject({
    path: z.string(),
    name: z.string(),
    owner: z.string().nullable().describe('Name of the token that created it; null where the service has no tokens'),
    cursor: z.string().describe('The subscriber has processed every event up to this cursor'),
    behind: z
      .int()
      .nullable()
      .describe('Number of later events, of any path and type; null where some of them are deleted'),
    gone: z.boolean().describe('The next events are deleted: the subscriber must start again from a snapshot'),
    connected: z.boolean(),
    kept: z.enum(['journal', 'memory']).describe('`memory`: the subscription ends with the service'),
    created: z.iso.datetime(),
    acknowledged: z.iso.datetime().nullable().describe('When the cursor last moved'),
  })
  .meta({ id: 'SubscriptionView' })

const SubscriptionsView = z
  .strictObject({ path: z.literal('/subscriptions'), entries: z.array(SubscriptionView), next: z.null() })
  .meta({ id: 'SubscriptionsView' })

const SubscriptionBody = z
  .strictObject({
    cursor: CursorText.describe('The subscriber has processed every event up to it; an earlier cursor repeats events'),
  })
  .meta({ id: 'SubscriptionBody' })

export const subscriptionRoutes: readonly ServiceRoute[] = [
  {
    path: '/subscriptions',
    tag: 'Events',
    verbs: {
      GET: defineVerb({
        summary: 'The durable subscriptions',
        operationId: 'subscriptions',
        access: 'read',
        query: noQuery,
        replies: { 200: { description: 'Every durable subscription', json: SubscriptionsView } },
        handle: ({ request, reply }, parts) => {
          const entries = parts.hub.durables.all().map((durable) => show(parts, durable))
          return sendJson(request, reply, { path: '/subscriptions', entries, next: null })
        },
      }),
    },
  },
  {
    path: '/subscriptions/:name',
    tag: 'Events',
    name: SubscriptionName,
    verbs: {
      GET: defineVerb({
        summary: 'A durable subscription',
        operationId: 'getSubscription',
        access: 'read',
        query: noQuery,
        replies: { 200: { description: 'The position of its subscriber', json: SubscriptionView } },
        handle: ({ name, request, reply }, parts) => sendJson(request, reply, show(parts, find(parts.hub, name))),
      }),
      PUT: defineVerb({
        summary: 'Create a durable subscription, or move its cursor',
        operationId: 'putSubscription',
        access: 'read',
        query: noQuery,
        body: SubscriptionBody,
        replies: {
          200: { description: 'Moved', json: SubscriptionView },
          201: { description: 'Created', headers: ['Location'], json: SubscriptionView },
        },
        handle: ({ name, body: { cursor }, request, reply }, parts) => {
          const { hub } = parts
          const { durables } = hub
          checkName(name)
          const existing = durables.get(name)
          if (existing === null) checkRoom(hub)
          else authorizeOwner(request.token, existing)
          refuseFutureCursor(hub, cursor)
          const durable =
            existing === null
              ? durables.create({ name, owner: request.token?.name ?? null, cursor })
              : durables.move(name, cursor)
          // The reply must not report what a crash could lose.
          hub.settledCursor()
          if (existing === null) reply.code(201).header('location', publicPath(request, pathOf(name)))
          return sendJson(request, reply, show(parts, durable))
        },
      }),
      DELETE: defineVerb({
        summary: 'Delete a durable subscription and close its connection',
        operationId: 'deleteSubscription',
        access: 'read',
        query: noQuery,
        replies: { 204: { description: 'Deleted' } },
        handle: ({ name, request, reply }, { hub }) => {
          const durable = find(hub, name)
          authorizeOwner(request.token, durable)
          hub.durables.remove(durable.name)
          hub.settledCursor()
          return reply.code(204).send()
        },
      }),
    },
  },
]

function pathOf(name: string): string {
  return `/subscriptions/${name}`
}

/** @throws Problem */
function checkName(name: string): void {
  const { success, error } = SubscriptionName.safeParse(name)
  if (success) return
  const rules = error.issues.map(({ message }) => message).join('; ')
  throw new Problem('malformed-path', `this is no name of a subscription: ${rules}`)
}

/** @throws NoSuchPath */
function find({ durables }: Hub, name: string): Durable {
  const durable = durables.get(name)
  if (durable === null) throw new NoSuchPath(pathOf(pathSegment(name)), '/subscriptions')
  return durable
}

/** @throws Problem */
function refuseFutureCursor(hub: Hub, cursor: number): void {
  const newest = hub.settledCursor()
  if (cursor <= newest) return
  throw new Problem('refused', `no event has this cursor yet; the newest is ${cursorText(newest)}`)
}

function show(
  { hub, storage }: ServiceParts,
  { name, owner, cursor, created, acknowledged }: Durable,
): z.input<typeof SubscriptionView> {
  const newest = hub.settledCursor()
  const isGone = cursor < hub.log.oldestCursor || cursor > newest
  return {
    path: pathOf(name),
    name,
    owner,
    cursor: cursorText(cursor),
    behind: isGone ? null : newest - cursor,
    gone: isGone,
    connected: hub.durables.isConnected(name),
    kept: storage,
    created: new Date(created).toISOString(),
    acknowledged: acknowledged === null ? null : new Date(acknowledged).toISOString(),
  }
}

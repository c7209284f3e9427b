/** Serves the route `/events`: past events from the journal, page by page. */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { EventLog } from '../stream/event-log.ts'
import { CursorText, EventTypesText, type TypeFilter } from '../stream/subscription-request.ts'
import { CloudEvent } from '../tree/cloud-event.ts'
import { hasWanted } from '../tree/event-types.ts'
import { type PathFilter, parsePathFilter } from '../tree/path-filter.ts'
import { flag, forms, isTerminal, wantedForm, wholeNumber } from './negotiate.ts'
import { Problem } from './problems.ts'
import { publicPath } from './public-path.ts'
import { jsonText, jsonType } from './send.ts'
import { defineVerb, type ServiceParts, type ServiceRequest, type ServiceRoute } from './service-route.ts'
import { refuseGone } from './stream-request.ts'

const EventsQuery = z.strictObject({
  after: CursorText.optional().describe('Begin after this cursor; by default with the oldest stored event'),
  path: z
    .string()
    .max(bounds.pathBytesMax)
    .default('/sys')
    .describe('Only events about this path or below it; * matches one segment, ** at the end one or more'),
  types: EventTypesText.optional().describe('Event types, comma-separated; each may end with *'),
  limit: wholeNumber
    .pipe(z.int().min(1).max(bounds.eventsPageMax))
    .default(1_000)
    .describe('The largest number of events in the page'),
  format: z.enum(['json', 'ndjson']).optional().describe('Form of the reply, in place of Accept'),
  pretty: flag.optional().describe('Indented JSON; the default for curl, HTTPie and Wget'),
})

const cursor = z.string().regex(/^[0-9]{20}$/)

const EventsPage = z
  .strictObject({
    path: z.literal('/events'),
    oldest: cursor.describe('The oldest cursor after which events are stored'),
    cursor: cursor.describe('The cursor at the end of this page'),
    next: z.string().nullable().describe('URL of the next page; null where there are no more events yet'),
    events: z.array(CloudEvent),
  })
  .meta({ id: 'EventsPage' })

export const eventsRoute: ServiceRoute = {
  path: '/events',
  tag: 'Events',
  verbs: {
    GET: defineVerb({
      summary: 'Past events, page by page',
      operationId: 'events',
      access: 'read',
      query: EventsQuery,
      replies: {
        200: {
          description: 'A page of events, oldest first',
          headers: ['Introspect-Cursor', 'Vary', 'Link'],
          json: EventsPage,
          line: CloudEvent,
        },
      },
      handle: sendPage,
    }),
  },
}

async function sendPage(
  { query, request, reply }: ServiceRequest<z.output<typeof EventsQuery>, unknown>,
  { context, hub }: ServiceParts,
): Promise<string> {
  const wanted = wantedForm(request, ['json', 'ndjson'])
  const { after, path, types = null, limit, format = wanted, pretty = isTerminal(request.headers) } = query
  const filter = parsePathFilter(context.kernel, path, { past: true })
  const newest = hub.settledCursor()
  const { oldestCursor } = hub.log
  if (after !== undefined && (after < oldestCursor || after > newest))
    refuseGone({ kind: 'gone', oldest: oldestCursor })
  const page = await readPage(hub.log, { after: after ?? oldestCursor, newest, filter, types, limit })
  const next = page.cursor < newest ? publicPath(request, nextPage(request.raw.url!, page.cursor)) : null
  reply.headers({ vary: 'Accept, User-Agent', 'introspect-cursor': cursorText(page.cursor) })
  if (next !== null) reply.header('link', `<${next}>; rel="next"`)
  if (format === 'ndjson') {
    reply.type(forms.ndjson)
    return page.events.map((event) => `${event}\n`).join('')
  }
  const head = { path: '/events', oldest: cursorText(hub.log.oldestCursor), cursor: cursorText(page.cursor), next }
  const text = `${JSON.stringify(head).slice(0, -1)},"events":[${page.events.join(',')}]}`
  reply.type(jsonType)
  return pretty ? jsonText(JSON.parse(text), true) : text
}

interface PageRequest {
  readonly after: number
  /** The last event that the page may have. Events that arrive while it is read belong to the next page. */
  readonly newest: number
  readonly filter: PathFilter
  readonly types: TypeFilter
  readonly limit: number
}

interface Page {
  readonly events: readonly string[]
  /** The last event that was examined. */
  readonly cursor: number
}

/**
 * Examines events in batches and yields to other requests in between: a narrow filter may examine many events and match
 * few.
 * @throws Problem where the next events were deleted meanwhile
 */
async function readPage(log: EventLog, { after, newest, filter, types, limit }: PageRequest): Promise<Page> {
  const events: string[] = []
  let position = after
  let [examined, bytes] = [0, 0]
  const isFull = () => events.length >= limit || bytes >= bounds.eventsPageBytesMax
  while (position < newest && !isFull() && examined < bounds.eventsPageLookedMax) {
    if (position < log.oldestCursor) refuseGone({ kind: 'gone', oldest: log.oldestCursor })
    const before = examined
    for (const event of log.after(position)) {
      if (event.sequence > newest || isFull() || examined - before === bounds.replayEventsPerTurn) break
      examined++
      position = event.sequence
      const hasType = types === null || hasWanted(types, [event.type, ...(event.standsFor ?? [])])
      if (!hasType || !(event.isForAll || filter.concerns(event.places))) continue
      events.push(event.json.toString())
      bytes += event.json.length
    }
    if (examined === before) throw new Problem('internal', 'the journal cannot be read')
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { events, cursor: position }
}

function nextPage(url: string, after: number): string {
  const [path, query] = url.split('?')
  const parameters = new URLSearchParams(query)
  parameters.set('after', cursorText(after))
  return `${path}?${parameters}`
}

/** `/events`: what has happened, page by page, from the journal. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { cursorText } from '../base/cursor.ts'
import type { EventLog } from '../stream/event-log.ts'
import { CursorText, EventTypesText, type TypeFilter } from '../stream/subscription-request.ts'
import { isWanted } from '../tree/event-types.ts'
import { type PathFilter, parsePathFilter } from '../tree/path-filter.ts'
import { flag, isTerminal, parseQuery, wantedForm, wholeNumber } from './negotiate.ts'
import { Problem } from './problems.ts'
import { authorize } from './security/gate.ts'
import { refuseGone, type StreamParts } from './stream-request.ts'

const Query = z.strictObject({
  after: CursorText.optional(),
  path: z.string().max(bounds.pathBytesMax).default('/sys'),
  types: EventTypesText.optional(),
  limit: wholeNumber.pipe(z.number().min(1).max(bounds.eventsPageMax)).default(1_000),
  format: z.enum(['json', 'ndjson']).optional(),
  pretty: flag.optional(),
})

export function addEventsRoute(app: FastifyInstance, parts: StreamParts): void {
  app.get('/events', (request, reply) => answer(parts, request, reply))
}

async function answer({ context, hub }: StreamParts, request: FastifyRequest, reply: FastifyReply): Promise<string> {
  authorize(request.token, 'read')
  const wanted = wantedForm(request, ['json', 'ndjson'])
  const {
    after,
    path,
    types = null,
    limit,
    format = wanted,
    pretty = isTerminal(request.headers),
  } = parseQuery(Query, request.query)
  const filter = parsePathFilter(context.kernel, path, { past: true })
  const newest = hub.settledCursor()
  const { oldestCursor } = hub.log
  if (after !== undefined && (after < oldestCursor || after > newest))
    refuseGone({ kind: 'gone', oldest: oldestCursor })
  const page = await pageOf(hub.log, { after: after ?? oldestCursor, newest, filter, types, limit })
  const next = page.cursor < newest ? nextPage(request.raw.url!, page.cursor) : null
  reply.headers({ vary: 'Accept, User-Agent', 'introspect-cursor': cursorText(page.cursor) })
  if (next !== null) reply.header('link', `<${next}>; rel="next"`)
  if (format === 'ndjson') {
    reply.type('application/x-ndjson')
    return page.events.map((event) => `${event}\n`).join('')
  }
  const head = { path: '/events', oldest: cursorText(hub.log.oldestCursor), cursor: cursorText(page.cursor), next }
  const text = `${JSON.stringify(head).slice(0, -1)},"events":[${page.events.join(',')}]}`
  reply.type('application/json; charset=utf-8')
  return pretty ? `${JSON.stringify(JSON.parse(text), null, 2)}\n` : text
}

interface PageRequest {
  readonly after: number
  /** Where it ends at the latest: what happens meanwhile is for the next page. */
  readonly newest: number
  readonly filter: PathFilter
  readonly types: TypeFilter
  readonly limit: number
}

interface Page {
  readonly events: readonly string[]
  /** The last event that was looked at. */
  readonly cursor: number
}

/** Much may be looked at for little: others have their turn in between. @throws Problem where what comes next has gone meanwhile */
async function pageOf(log: EventLog, { after, newest, filter, types, limit }: PageRequest): Promise<Page> {
  const events: string[] = []
  let cursor = after
  let [looked, bytes] = [0, 0]
  const isFull = () => events.length >= limit || bytes >= bounds.eventsPageBytesMax
  while (cursor < newest && !isFull() && looked < bounds.eventsPageLookedMax) {
    if (cursor < log.oldestCursor) refuseGone({ kind: 'gone', oldest: log.oldestCursor })
    const before = looked
    for (const event of log.after(cursor)) {
      if (event.sequence > newest || isFull() || looked - before === bounds.replayEventsPerTurn) break
      looked++
      cursor = event.sequence
      const isAsked = types === null || types.some((type) => isWanted(type, event.type))
      if (!isAsked || !(event.isForAll || filter.concerns(event.places))) continue
      events.push(event.json.toString())
      bytes += event.json.length
    }
    if (looked === before) throw new Problem('internal', 'the journal cannot be read')
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { events, cursor }
}

function nextPage(url: string, cursor: number): string {
  const [path, query] = url.split('?')
  const parameters = new URLSearchParams(query)
  parameters.set('after', cursorText(cursor))
  return `${path}?${parameters}`
}

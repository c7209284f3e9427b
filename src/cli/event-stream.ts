/** The events of a path over a WebSocket; a connection that breaks is made anew and goes on where it was. */

import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { CliError } from './error.ts'
import { StreamedEvent } from './event-line.ts'
import { RefusalError, type Service } from './service.ts'

export interface EventStreamRequest {
  readonly path: string
  readonly types: string | null
  /** Cursor to begin after. */
  readonly after: string
}

export interface EventStreamListener {
  /** `json` is the frame as it came. */
  event(event: StreamedEvent, json: string): void
  /** What happens to the connection. */
  notice(text: string): void
}

interface Closed {
  readonly code: number
  readonly reason: string
}

/** The service pings every 20 s, and says every 30 s where it is: this long without a word, and the line is dead. */
const silenceMsMax = 65_000
/** A service that does not answer a close is not waited for. */
const closeMsMax = 1_000
const retryMs = { first: 250, most: 2_000 }
const cursorGone = 4410
const Gone = z.looseObject({ oldest: z.string() })

/** Resolves when `ending` is aborted. @throws CliError where it is refused, or cannot be reached at all */
export async function followEvents(
  service: Service,
  { path, types, after }: EventStreamRequest,
  { listener, ending }: { listener: EventStreamListener; ending: AbortSignal },
): Promise<void> {
  let cursor = after
  let wasOpen = false
  let isBroken = false
  let waitMs = retryMs.first
  const connection = { onOpen, onFrame, ending }
  while (!ending.aborted) {
    const url = service.urlOf(path, { types, after: cursor })
    const closed = await listen(service, url, connection).catch((error: unknown) => {
      if (ending.aborted || (wasOpen && isPassing(error))) return null
      throw error
    })
    if (ending.aborted) return
    if (closed?.code === cursorGone) cursor = gap(closed.reason)
    else {
      if (closed !== null) listener.notice(`the connection broke (${closedText(closed)}); trying to go on`)
      isBroken = true
      await delay(waitMs, undefined, { signal: ending }).catch(() => {})
      waitMs = Math.min(waitMs * 2, retryMs.most)
    }
  }

  function onOpen(): void {
    if (isBroken) listener.notice('connected again')
    else if (!wasOpen) listener.notice(`watching ${path} at ${service.place}`)
    wasOpen = true
    isBroken = false
    waitMs = retryMs.first
  }

  function onFrame(json: string): void {
    const event = parseEvent(service, json)
    const reached = event.sequence ?? event.data.cursor
    if (typeof reached === 'string') cursor = reached
    if (event.sequence !== undefined) listener.event(event, json)
  }

  function gap(reason: string): string {
    const { oldest } = Gone.parse(JSON.parse(reason))
    listener.notice(`events after ${cursor} are no longer kept, so there is a gap here; going on after ${oldest}`)
    return oldest
  }
}

/** What may be otherwise in a moment; a refusal is not, unless it says so. */
function isPassing(error: unknown): boolean {
  return error instanceof RefusalError ? error.status === 429 || error.status >= 500 : error instanceof CliError
}

function closedText({ code, reason }: Closed): string {
  return reason === '' ? String(code) : `${code}: ${reason}`
}

function parseEvent(service: Service, json: string): StreamedEvent {
  const event = StreamedEvent.safeParse(parse(json))
  if (event.success) return event.data
  throw new CliError(`${service.place} sent something that is no event: ${JSON.stringify(json.slice(0, 200))}`)
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}

interface Connection {
  readonly onOpen: () => void
  readonly onFrame: (json: string) => void
  readonly ending: AbortSignal
}

/** One connection from its beginning to its end. @throws CliError where there was none */
async function listen(service: Service, url: URL, { onOpen, onFrame, ending }: Connection): Promise<Closed> {
  url.protocol = url.protocol.replace('http', 'ws')
  const socket = new WebSocket(url, 'cloudevents.json', { headers: { ...service.headers }, ...service.tls })
  const silence = setTimeout(() => socket.terminate(), silenceMsMax)
  const close = () => {
    socket.close()
    setTimeout(() => socket.terminate(), closeMsMax).unref()
  }
  ending.addEventListener('abort', close)
  const { promise, resolve, reject } = Promise.withResolvers<Closed>()
  socket.on('open', onOpen)
  socket.on('ping', () => silence.refresh())
  socket.on('message', (frame: Buffer) => {
    silence.refresh()
    if (ending.aborted) return
    try {
      onFrame(frame.toString())
    } catch (error) {
      reject(error)
      socket.terminate()
    }
  })
  socket.on('unexpected-response', (_request, response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('close', () => {
      const { statusCode: status = 0, headers } = response
      reject(service.refusal({ status, type: headers['content-type'] ?? null, text: Buffer.concat(chunks).toString() }))
      socket.terminate()
    })
  })
  socket.on('error', (error) => reject(service.unreachable(error)))
  socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  return promise.finally(() => {
    clearTimeout(silence)
    ending.removeEventListener('abort', close)
  })
}

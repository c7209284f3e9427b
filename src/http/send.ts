/** Sends a reply: a view as JSON, or an error as a problem document. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { terminalJson } from '../base/terminal-text.ts'
import { isTerminal } from './negotiate.ts'
import { problemOf } from './problems.ts'

export const jsonType = 'application/json; charset=utf-8'

/** Indented for a tool at a terminal, compact for programs. */
export function sendJson(request: FastifyRequest, reply: FastifyReply, view: unknown): FastifyReply {
  return reply.type(jsonType).send(jsonText(view, isTerminal(request.headers)))
}

export function jsonText(view: unknown, isPretty: boolean): string {
  return isPretty ? `${terminalJson(JSON.stringify(view, null, 2))}\n` : JSON.stringify(view)
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const { document, headers, isFault } = problemOf(error, (request.raw.url ?? '').split('?', 1)[0]!)
  // After a request for an upgrade, the HTTP server no longer closes the socket.
  if (request.headers.upgrade !== undefined) reply.raw.once('finish', () => request.raw.socket.end())
  if (isFault) request.log.error({ err: error, method: request.method, url: request.url }, 'a request failed')
  return reply
    .code(document.status)
    .headers(headers)
    .type('application/problem+json; charset=utf-8')
    .send(jsonText(document, true))
}

/** Bounds the time that a request's body may take to arrive: a late body is answered with a problem. */

import { PassThrough } from 'node:stream'
import type { FastifyReply, FastifyRequest, RequestPayload } from 'fastify'
import { bounds } from '../base/bounds.ts'
import { Problem } from './problems.ts'

/** A `preParsing` hook. */
export function timeBody(
  { headers, log }: FastifyRequest,
  reply: FastifyReply,
  payload: RequestPayload,
  done: (error: null, payload: RequestPayload) => void,
): void {
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) {
    done(null, payload)
    return
  }
  // A stream of its own, because destroying the request's stream would close the socket that the answer needs.
  const timed = new PassThrough()
  const late = new Problem('request-timeout', `a body must arrive within ${bounds.requestMsMax / 1000} s`, {
    headers: { connection: 'close' },
  })
  const timer = setTimeout(() => timed.destroy(late), bounds.requestMsMax)
  timed.once('close', () => clearTimeout(timer))
  // The reader of the body gets this error too. But nothing reads the body of a GET, or one that is too large from the
  // start.
  timed.on('error', (error) => log.debug({ err: error }, 'the body of a request was abandoned'))
  reply.raw.once('close', () => {
    payload.unpipe(timed)
    payload.resume()
    timed.destroy()
  })
  payload.once('error', (error) => timed.destroy(error))
  done(null, payload.pipe(timed))
}

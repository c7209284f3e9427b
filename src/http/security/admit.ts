/**
 * Checks every request once, before its body is read: rate, Host and Origin, the URL, the token, and the role that the
 * request needs at least.
 */

import type { FastifyRequest } from 'fastify'
import { bounds } from '../../base/bounds.ts'
import { accessOf, isInTree, requireRole } from '../access.ts'
import { Problem } from '../problems.ts'
import type { Clients } from './clients.ts'
import { authenticate, checkPlaces, type Gate, refuseTokenInUrl, type Token } from './gate.ts'
import type { Listener } from './listener.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The token of the request; null where the service has no tokens, and on open routes. */
    token: Token | null
  }
}

export interface Guards {
  readonly clients: Clients
  readonly gate: Gate
  readonly listener: Listener
}

/** Sets the `token` of the request. @throws Problem */
export function admit(request: FastifyRequest, { clients, gate, listener }: Guards): void {
  const { headers, raw } = request
  clients.admitRequest(raw.socket)
  checkPlaces(gate, { host: headers.host, origin: headers.origin, isSecure: listener.isSecure })
  const path = checkUrl(raw.url!)
  const isUpgrade = headers.upgrade !== undefined
  const access = accessOf(request.method, path)
  if (access !== 'open') {
    request.token = authenticate(gate, {
      authorization: headers.authorization,
      subprotocols: isUpgrade ? (headers['sec-websocket-protocol'] ?? null) : null,
      certificate: listener.certificateOf(raw.socket),
    })
    requireRole(request.token, access)
  }
  if (isUpgrade && !isInTree(path)) {
    throw new Problem('malformed-request', `there is no stream at ${path}; open one at /sys or a path below it`)
  }
}

/** @returns the path without the query @throws Problem */
function checkUrl(url: string): string {
  if (url.length > bounds.pathBytesMax || Buffer.byteLength(url) > bounds.pathBytesMax) {
    throw new Problem('path-too-long', `a URL may have at most ${bounds.pathBytesMax} bytes`)
  }
  if (!url.startsWith('/')) throw new Problem('malformed-path', 'a path begins with /')
  refuseTokenInUrl(url)
  return url.split('?', 1)[0]!
}

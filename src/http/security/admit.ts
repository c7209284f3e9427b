/**
 * Checks every request once, before its body is read: rate, Host and Origin, the URL, the token, and the role that the
 * request needs at least.
 */

import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { bounds } from '../../base/bounds.ts'
import { accessOf, isInTree, requireRole } from '../access.ts'
import { Problem } from '../problems.ts'
import { serviceRouteAt } from '../service-routes.ts'
import type { Clients } from './clients.ts'
import { authenticate, checkHost, checkOrigin, type Gate, refuseTokenInUrl, type Token } from './gate.ts'
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
  const path = pathOf(raw.url!)
  if (headers.host === undefined && raw.httpVersion === '1.1' && !servesAnyHost(path))
    throw new Problem('malformed-request', 'a request of HTTP/1.1 has a Host')
  if (!servesAnyHost(path)) checkHost(gate, headers.host)
  checkOrigin(gate, { origin: headers.origin, isSecure: listener.isSecure })
  checkUrl(raw.url!)
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

/**
 * Turns the absolute form of a request's target, as in `GET http://alpha:7007/sys`, into the path, with its authority
 * as Host: RFC 9112, section 3.2.2. Other targets are returned unchanged.
 */
export function targetOf({ url, headers }: IncomingMessage): string {
  if (url === undefined || url.startsWith('/')) return url ?? ''
  const [, authority, rest] = /^https?:\/\/([^/?#@]+)(\/.*)?$/i.exec(url) ?? []
  if (authority === undefined) return url
  headers.host = authority
  return rest ?? '/'
}

function pathOf(url: string): string {
  return url.split('?', 1)[0]!
}

function servesAnyHost(path: string): boolean {
  return !isInTree(path) && serviceRouteAt(path)?.anyHost === true
}

/** @throws Problem */
function checkUrl(url: string): void {
  if (url.length > bounds.pathBytesMax || Buffer.byteLength(url) > bounds.pathBytesMax) {
    throw new Problem('path-too-long', `a URL may have at most ${bounds.pathBytesMax} bytes`)
  }
  if (!url.startsWith('/')) throw new Problem('malformed-path', 'a path begins with /')
  refuseTokenInUrl(url)
}

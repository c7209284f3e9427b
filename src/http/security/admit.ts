/**
 * Checks every request once, before its body is read: rate, Host and Origin, the URL, the token, and the role that the
 * request needs at least.
 */

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { bounds } from '../../base/bounds.ts'
import { accessOf, isInTree, requireRole } from '../access.ts'
import { Problem } from '../problems.ts'
import { serviceRouteAt } from '../service-routes.ts'
import type { Clients } from './clients.ts'
import { authenticate, checkHost, checkOrigin, type Gate, refuseTokenInUrl, type Token } from './gate.ts'
import type { Listener } from './listener.ts'
import type { ClientView, Proxies } from './proxies.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The token of the request; null where the service has no tokens, and on open routes. */
    token: Token | null
    /** The request as its client sees it; null until it is admitted. */
    clientView: ClientView | null
  }
}

export interface Guards {
  readonly clients: Clients
  readonly gate: Gate
  readonly listener: Listener
  readonly proxies: Proxies
}

/** Sets the `token` and the `clientView` of the request. @throws Problem */
export function admit(request: FastifyRequest, { clients, gate, listener, proxies }: Guards): void {
  const { headers, raw } = request
  const peer = listener.peerOf(raw.socket)
  const isUnix = peer !== null
  const view = proxies.viewOf(raw, { isSecure: listener.isSecure(raw.socket), isUnix })
  request.clientView = view
  clients.admitRequest(raw.socket, view.address)
  const path = pathOf(raw.url!)
  if (headers.host === undefined && raw.httpVersion === '1.1' && !servesAnyHost(path))
    throw new Problem('malformed-request', 'a request of HTTP/1.1 has a Host')
  if (hasSeveralHosts(raw)) throw new Problem('malformed-request', 'a request has one Host')
  if (!servesAnyHost(path)) checkHost(gate, headers.host, { isUnix })
  checkOrigin(gate, { origin: headers.origin, isSecure: view.isSecure })
  checkUrl(raw.url!)
  // Before the token: without Upgrade, the token among the subprotocols would not be looked for.
  refuseLostUpgrade(headers)
  const isUpgrade = headers.upgrade !== undefined
  const access = accessOf(request.method, path)
  if (access !== 'open') {
    request.token = authenticate(gate, {
      authorization: headers.authorization,
      subprotocols: isUpgrade ? (headers['sec-websocket-protocol'] ?? null) : null,
      certificate: listener.certificateOf(raw.socket),
      peer,
    })
    requireRole(request.token, access)
  }
  if (isUpgrade && !isInTree(path)) {
    throw new Problem('malformed-request', `there is no stream at ${path}; open one at /sys or a path below it`)
  }
}

/**
 * Refuses a request for a WebSocket that a proxy has turned into an ordinary one. To the client, an ordinary reply
 * would only be a failed handshake.
 * @throws Problem
 */
function refuseLostUpgrade(headers: IncomingHttpHeaders): void {
  if (headers['sec-websocket-key'] === undefined) return
  const hasConnection = /(^|[\s,])upgrade([\s,]|$)/i.test(headers.connection ?? '')
  if (headers.upgrade !== undefined && hasConnection) return
  const missing = headers.upgrade === undefined ? 'Upgrade: websocket' : 'Connection: Upgrade'
  throw new Problem(
    'upgrade-lost',
    `a WebSocket is requested, but the request has no ${missing}: a proxy in between has removed it; it has to pass Upgrade and Connection on, over HTTP/1.1`,
    { headers: { upgrade: 'websocket' } },
  )
}

/** Node reads the first, and a proxy in between perhaps another. */
function hasSeveralHosts({ rawHeaders }: IncomingMessage): boolean {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!
    if (name.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count > 1
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

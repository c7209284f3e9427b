/** Controls access: exact Host and Origin lists, bearer tokens and client certificates with a role. */

import { isUtf8 } from 'node:buffer'
import { createHash, timingSafeEqual } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { type Role, roles } from '../../tree/role.ts'
import { Problem } from '../problems.ts'
import type { Peer } from './listener.ts'

export interface Token {
  readonly name: string
  readonly role: Role
  /** SHA-256 of the token; null where a client certificate with this common name takes its place. */
  readonly digest: Buffer | null
  /** `uid:1000` or `gid:1000`, where the user or the group of a peer on a unix socket takes the token's place. */
  readonly peer?: string
}

/** Replaces the token of clients whose certificate has this common name. */
const byCertificate = 'cert'
/** Replaces the token of the peers of a unix socket that have this user, or this primary group. */
const byPeer = /^[ug]id:\d{1,10}$/

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/**
 * A token file: one token a line, `name role token`, `name role cert`, or `name role uid:1000`. Empty lines and lines
 * that begin with # are passed over.
 * @throws Error naming the line that is wrong; the token itself is never in a message.
 */
export function parseTokens(text: string): Token[] {
  const tokens: Token[] = []
  for (const [place, line] of text.split('\n').entries()) {
    const words = line.trim().split(/\s+/)
    if (words[0] === '' || words[0]!.startsWith('#')) continue
    const [name, role, secret, ...rest] = words
    const known = roles.find((other) => other === role)
    if (known === undefined || secret === undefined || rest.length > 0) {
      throw new Error(`line ${place + 1} of the token file is not "name role token", role one of ${roles.join(', ')}`)
    }
    if (name!.startsWith('/')) throw new Error(`line ${place + 1} of the token file: a name does not begin with /`)
    const isPeer = byPeer.test(secret)
    if (secret !== byCertificate && !isPeer && secret.length < 16)
      throw new Error(`line ${place + 1} of the token file: a token has at least 16 characters`)
    const hasDigest = secret !== byCertificate && !isPeer
    const token = {
      name: name!,
      role: known,
      digest: hasDigest ? digest(secret) : null,
      ...(isPeer && { peer: secret }),
    }
    if (tokens.some((other) => other.name === name))
      throw new Error(`line ${place + 1} of the token file: ${name} is there twice`)
    const isTaken = (other: Token) =>
      token.digest === null ? isPeer && other.peer === secret : other.digest?.equals(token.digest)
    if (tokens.some(isTaken)) throw new Error(`line ${place + 1} of the token file: another name has this token`)
    tokens.push(token)
  }
  if (tokens.length === 0) throw new Error('the token file has no token')
  return tokens
}

export interface Gate {
  /** Null without a token file, which needs a loopback address. Replaced when the file is read again. */
  readonly tokens: readonly Token[] | null
  /** Exact values of Host. */
  readonly hosts: ReadonlySet<string>
}

/** Says whether the token of an open stream is still valid, because the token file may have changed. */
export function isKnown({ tokens }: Gate, token: Token | null): boolean {
  return (
    tokens === null ||
    tokens.some(
      (other) => other.name === token?.name && other.peer === token.peer && isSameSecret(other.digest, token.digest),
    )
  )
}

function isSameSecret(one: Buffer | null, other: Buffer | null): boolean {
  return one === null || other === null ? one === other : one.equals(other)
}

/**
 * Against DNS rebinding: only exact values pass. Over a unix socket, which has no port, `localhost` passes too.
 * @throws Problem
 */
export function checkHost({ hosts }: Gate, host: string | undefined, { isUnix }: { readonly isUnix: boolean }): void {
  if (host !== undefined && hosts.has(host.toLowerCase())) return
  if (isUnix && host?.toLowerCase() === 'localhost') return
  throw new Problem(
    'host-not-allowed',
    `Host must be one of ${[...(isUnix ? ['localhost'] : []), ...hosts].join(', ')}; --allow-host adds one`,
  )
}

interface Page {
  /** Absent for requests that are not from a page. */
  readonly origin: string | undefined
  /** Over TLS there are no pages of ours but those of https. */
  readonly isSecure: boolean
}

/** Against cross-site WebSockets: only exact values pass. @throws Problem */
export function checkOrigin({ hosts }: Gate, { origin, isSecure }: Page): void {
  if (origin === undefined) return
  const [scheme, place] = origin.toLowerCase().split('://')
  // Behind a proxy that speaks TLS the page is of https though we are not.
  const isWeb = scheme === 'https' || (scheme === 'http' && !isSecure)
  if (!isWeb || place === undefined || !hosts.has(place)) {
    throw new Problem('origin-not-allowed', 'requests from pages of other origins are refused')
  }
}

const inSubprotocol = 'base64url.bearer.'
const whereTokensGo = `send Authorization: Bearer <token>; where a WebSocket can have no headers, offer the subprotocol ${inSubprotocol}<token>, the token in base64url without padding, beside a real one`

/** Refuses tokens in URLs, because URLs are logged, stored in histories and forwarded. @throws Problem */
export function refuseTokenInUrl(url: string): void {
  const query = url.indexOf('?')
  if (query === -1 || !/[?&](access_|bearer_|auth_)?token(=|&|$)/i.test(url.slice(query))) return
  throw new Problem('token-in-url', `a token does not belong into a URL, where others see it: ${whereTokensGo}`)
}

/** The evidence of identity in a request. */
export interface Credentials {
  readonly authorization?: string | undefined
  /** The subprotocols that an upgrade to a WebSocket offers; null for other requests. */
  readonly subprotocols: string | null
  /** Common name of the client's certificate, which the TLS library has verified; null where there is none. */
  readonly certificate: string | null
  /** The user at the other end of a unix socket; null for a connection over the network. */
  readonly peer: Peer | null
}

/** The token of a request or of its certificate; null if the service has no tokens. @throws Problem */
export function authenticate({ tokens }: Gate, credentials: Credentials): Token | null {
  const offered = credentials.subprotocols === null ? null : offeredToken(credentials.subprotocols)
  if (tokens === null) return null
  const { authorization, certificate, peer } = credentials
  const local = peer === null || authorization !== undefined || offered !== null ? null : tokenOfPeer(tokens, peer)
  if (local !== null) return local
  if (authorization === undefined && offered === null && certificate !== null) {
    const named = tokens.find(({ name, digest, peer }) => digest === null && !peer && name === certificate)
    if (named !== undefined) return named
    throw unauthorized('the token file has no line for the common name of this certificate')
  }
  const secret = authorization === undefined ? offered : /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  if (secret === undefined || secret === null) throw unauthorized(whereTokensGo)
  const received = digest(secret)
  // Every token is compared, each in constant time, so that the duration reveals nothing.
  const found = tokens.filter((token) => token.digest !== null && timingSafeEqual(token.digest, received))
  if (found.length === 0) throw unauthorized('this token is not valid')
  return found[0]!
}

/** The line for the user, else that for its group. */
function tokenOfPeer(tokens: readonly Token[], { uid, gid }: Peer): Token | null {
  return tokens.find(({ peer }) => peer === `uid:${uid}`) ?? tokens.find(({ peer }) => peer === `gid:${gid}`) ?? null
}

function unauthorized(detail: string): Problem {
  return new Problem('unauthorized', detail, { headers: { 'www-authenticate': 'Bearer realm="introspectd"' } })
}

/**
 * A page cannot set headers on a WebSocket, so it sends the token among the subprotocols, as in Kubernetes. The token
 * is not a subprotocol, and the service never chooses it.
 * @returns the token; null if there is none
 * @throws Problem
 */
function offeredToken(offer: string): string | null {
  const names = offer.split(',').map((name) => name.trim())
  const bearers = names.filter((name) => name.startsWith(inSubprotocol))
  const [bearer] = bearers
  if (bearer === undefined) return null
  if (bearers.length > 1) throw unauthorized('more than one token is offered among the subprotocols')
  if (names.length === 1) {
    throw new Problem(
      'unknown-subprotocol',
      'beside the token a real subprotocol is to be offered: it is chosen, not the token',
    )
  }
  const encoded = bearer.slice(inSubprotocol.length)
  const token = Buffer.from(encoded, 'base64url')
  if (token.toString('base64url') !== encoded || !isUtf8(token)) {
    throw unauthorized(`what follows ${inSubprotocol} is not base64url without padding`)
  }
  return token.toString()
}

/** Allows the owner of a subscription, and tokens whose role may change settings of others. @throws Problem */
export function authorizeOwner(
  token: Token | null,
  { name, owner }: { readonly name: string; readonly owner: string | null },
): void {
  if (token === null || token.name === owner || token.role !== 'read') return
  throw new Problem('forbidden', `${name} belongs to ${owner ?? 'nobody'}; the token ${token.name} has the role read`)
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

export function isLoopback(host: string): boolean {
  const family = isIP(host)
  return family === 0 ? host === 'localhost' : loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Every accepted value of Host: the listening address, the names of loopback, and the hosts allowed by a setting.
 * @param host null for a unix socket, which has no address
 */
export function allowedHosts(host: string | null, port: number, more: readonly string[]): string[] {
  if (host === null) return more.map((place) => place.toLowerCase())
  const everywhere = host === '0.0.0.0' || host === '::'
  const addresses = Object.values(networkInterfaces()).flatMap((there) => (there ?? []).map(({ address }) => address))
  const names = ['localhost', '127.0.0.1', '::1', ...(everywhere ? [hostname(), ...addresses] : [host])]
  const places = names.flatMap((name) => {
    const bare = (isIP(name) === 6 ? `[${name}]` : name).toLowerCase()
    return port === 80 || port === 443 ? [bare, `${bare}:${port}`] : [`${bare}:${port}`]
  })
  return [...new Set([...places, ...more.map((place) => place.toLowerCase())])]
}

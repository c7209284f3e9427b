/** Who may speak with the service: exact Host and Origin lists, and bearer tokens with a role. */

import { createHash, timingSafeEqual } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { Problem } from './problems.ts'

/** From the least to the most: each may do what those before it may. */
export const roles = ['read', 'control', 'operate'] as const
export type Role = (typeof roles)[number]

export interface Token {
  readonly name: string
  readonly role: Role
  /** Only its digest is kept. */
  readonly digest: Buffer
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * A token file: one token a line, `name role token`; empty lines and lines that begin with # are passed over.
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
    if (secret.length < 16) throw new Error(`line ${place + 1} of the token file: a token has at least 16 characters`)
    if (tokens.some((other) => other.name === name))
      throw new Error(`line ${place + 1} of the token file: ${name} is there twice`)
    tokens.push({ name: name!, role: known, digest: digest(secret) })
  }
  if (tokens.length === 0) throw new Error('the token file has no token')
  return tokens
}

export interface Gate {
  /** Null where no tokens are in use: loopback only. */
  readonly tokens: readonly Token[] | null
  /** Exact values of Host. */
  readonly hosts: ReadonlySet<string>
}

interface Headers {
  readonly host?: string | undefined
  readonly origin?: string | undefined
  readonly authorization?: string | undefined
}

/** Against DNS rebinding and cross-site WebSockets: only exact values pass. @throws Problem */
export function checkPlaces({ hosts }: Gate, { host, origin }: Headers): void {
  if (host === undefined || !hosts.has(host.toLowerCase())) {
    throw new Problem('host-not-allowed', `Host must be one of ${[...hosts].join(', ')}; --allow-host adds one`)
  }
  if (origin === undefined) return
  const [scheme, place] = origin.toLowerCase().split('://')
  if ((scheme !== 'http' && scheme !== 'https') || place === undefined || !hosts.has(place)) {
    throw new Problem('origin-not-allowed', 'requests from pages of other origins are refused')
  }
}

/** The token that asks; null where none are in use. @throws Problem */
export function authenticate({ tokens }: Gate, { authorization }: Headers): Token | null {
  if (tokens === null) return null
  const headers = { 'www-authenticate': 'Bearer realm="introspectd"' }
  const secret = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (secret === undefined) throw new Problem('unauthorized', 'send Authorization: Bearer <token>', { headers })
  const asked = digest(secret)
  // All are compared, each in constant time: how long it takes tells nothing.
  const found = tokens.filter((token) => timingSafeEqual(token.digest, asked))
  if (found.length === 0) throw new Problem('unauthorized', 'this token is not known', { headers })
  return found[0]!
}

/** @throws Problem */
export function authorize(token: Token | null, needed: Role): void {
  if (token === null || roles.indexOf(token.role) >= roles.indexOf(needed)) return
  throw new Problem('forbidden', `the token ${token.name} has the role ${token.role}; this needs ${needed}`)
}

/** What somebody has made is for them, and for those who may change what others hear. @throws Problem */
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

export const isLoopback = (host: string): boolean => {
  const family = isIP(host)
  return family === 0 ? host === 'localhost' : loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** Every value of Host that means this service: where it listens, loopback's names, and what was allowed besides. */
export function allowedHosts(host: string, port: number, more: readonly string[]): string[] {
  const everywhere = host === '0.0.0.0' || host === '::'
  const addresses = Object.values(networkInterfaces()).flatMap((there) => (there ?? []).map(({ address }) => address))
  const names = ['localhost', '127.0.0.1', '::1', ...(everywhere ? [hostname(), ...addresses] : [host])]
  const places = names.flatMap((name) => {
    const bare = (isIP(name) === 6 ? `[${name}]` : name).toLowerCase()
    return port === 80 || port === 443 ? [bare, `${bare}:${port}`] : [`${bare}:${port}`]
  })
  return [...new Set([...places, ...more.map((place) => place.toLowerCase())])]
}

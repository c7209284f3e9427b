/**
 * Parses the headers in which proxies describe the client: `Forwarded` (RFC 7239), and the older `X-Forwarded-For`,
 * `X-Forwarded-Proto` and `X-Forwarded-Prefix`.
 */

import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { Problem } from '../problems.ts'

export interface Forwarded {
  /** Address of the client; null where the headers have none. */
  readonly address: string | null
  /** The client uses TLS; null where the headers do not say it. */
  readonly isSecure: boolean | null
  /** Prefix of the paths that proxies have removed; null where the headers have none. */
  readonly prefix: string | null
}

/** The client as one family of headers describes it. */
interface Described {
  readonly address: string | null
  readonly scheme: string | null
}

/**
 * A proxy usually sets one family of headers and passes on the other, which a client can set. So what one family says
 * must not contradict the other.
 * @throws Problem
 */
export function parseForwarded(headers: IncomingHttpHeaders, isTrusted: (address: string) => boolean): Forwarded {
  const standard = byForwarded(textOf(headers.forwarded), isTrusted)
  const older = byOlderHeaders(headers, isTrusted)
  for (const name of ['address', 'scheme'] as const)
    if (standard[name] !== null && older[name] !== null && standard[name] !== older[name])
      throw malformed('Forwarded and X-Forwarded-For or X-Forwarded-Proto contradict each other; a proxy removes one')
  const scheme = standard.scheme ?? older.scheme
  return {
    address: standard.address ?? older.address,
    isSecure: scheme === null ? null : scheme === 'https',
    prefix: prefixOf(textOf(headers['x-forwarded-prefix'])),
  }
}

function byOlderHeaders(headers: IncomingHttpHeaders, isTrusted: (address: string) => boolean): Described {
  const chain = textOf(headers['x-forwarded-for'])?.split(',') ?? []
  const [scheme] = textOf(headers['x-forwarded-proto'])?.split(',') ?? []
  return {
    address: clientOf(chain, isTrusted).address,
    scheme: scheme === undefined ? null : schemeOf(scheme, 'X-Forwarded-Proto'),
  }
}

function byForwarded(text: string | null, isTrusted: (address: string) => boolean): Described {
  const elements = text === null ? [] : elementsOf(text)
  const { address, index } = clientOf(
    elements.map((element) => element.get('for') ?? ''),
    isTrusted,
  )
  // The proxy that added the client's address knows the scheme that the client used.
  const scheme = elements[index]?.get('proto')
  return { address, scheme: scheme === undefined ? null : schemeOf(scheme, 'Forwarded') }
}

/**
 * Each proxy appends the address of its peer, so the last one that is no trusted proxy is the client. Earlier ones may
 * be invented. One that is no address, such as `unknown`, hides the client: then the proxy stands for it.
 */
function clientOf(
  chain: readonly string[],
  isTrusted: (address: string) => boolean,
): { readonly address: string | null; readonly index: number } {
  let nearest: string | null = null
  for (let index = chain.length - 1; index >= 0; index--) {
    const address = addressOf(chain[index]!)
    if (address === null) return { address: nearest, index }
    nearest = address
    if (!isTrusted(address)) return { address, index }
  }
  return { address: nearest, index: 0 }
}

/** An address without brackets and port; null for anything else. */
function addressOf(hop: string): string | null {
  const text = hop.trim()
  const bare = /^\[(.*)\](?::\w+)?$/.exec(text)?.[1] ?? /^([\d.]+):\w+$/.exec(text)?.[1] ?? text
  return isIP(bare) === 0 ? null : bare.toLowerCase()
}

const schemes: Readonly<Record<string, string>> = { http: 'http', ws: 'http', https: 'https', wss: 'https' }

function schemeOf(text: string, header: string): string {
  const scheme = schemes[text.trim().toLowerCase()]
  if (scheme === undefined) throw malformed(`${header}: the scheme is one of ${Object.keys(schemes).join(', ')}`)
  return scheme
}

/** Several proxies, the outermost first, have removed a part each. */
function prefixOf(text: string | null): string | null {
  if (text === null) return null
  const parts = text.split(',').map((part) => part.trim().replace(/\/$/, ''))
  if (!parts.every((part) => part === '' || isPrefix(part)))
    throw malformed('X-Forwarded-Prefix: expected a path such as /introspectd')
  return parts.join('')
}

/** A path that is safe in every URL: `//host` or `/\host` would lead to another server. */
function isPrefix(text: string): boolean {
  return /^(\/[\w.~!$&'()*+;=:@%-]+)+$/.test(text) && !/\/\.\.?(\/|$)/.test(text)
}

const pair = /\s*(?:([^\s=;,"]+)=([^\s;,"]*|"(?:[^"\\]|\\.)*"))?\s*([;,]|$)/y

/** The parameters of each element, the outermost proxy first. @throws Problem */
function elementsOf(text: string): Map<string, string>[] {
  const elements = [new Map<string, string>()]
  for (let at = 0; at < text.length; at = pair.lastIndex) {
    pair.lastIndex = at
    const found = pair.exec(text)
    if (found === null) throw malformed('Forwarded: expected elements such as for=192.0.2.1;proto=https')
    const [, name, value = '', end] = found
    const plain = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
    if (name !== undefined) elements.at(-1)!.set(name.toLowerCase(), plain)
    if (end === ',') elements.push(new Map())
  }
  return elements
}

function textOf(header: string | string[] | undefined): string | null {
  return header === undefined ? null : String(header)
}

function malformed(detail: string): Problem {
  return new Problem('malformed-request', detail)
}

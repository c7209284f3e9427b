/**
 * Finds out how a client sees a request that came through proxies: the address of the client, the scheme, and the
 * prefix of the paths. Only headers of trusted proxies count.
 */

import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { type Forwarded, parseForwarded } from './forwarded.ts'

export interface ProxyOptions {
  /** Prefix of the paths under which a proxy serves the service, such as `/introspectd`; '' for none. */
  readonly basePath: string
  /** Proxies whose headers count: addresses, ranges such as `10.0.0.0/8`, `loopback` and `unix`. */
  readonly trusted: readonly string[]
}

export const withoutProxies: ProxyOptions = { basePath: '', trusted: [] }

/** A request as its client sees it. */
export interface ClientView {
  /** Null where the client is the peer of the connection. */
  readonly address: string | null
  /** The client uses TLS. */
  readonly isSecure: boolean
  /** The client's URLs have it before every path of the service; '' for none. */
  readonly prefix: string
}

interface ConnectionKind {
  readonly isSecure: boolean
  readonly isUnix: boolean
}

export class Proxies {
  readonly #basePath: string
  readonly #trusted: BlockList
  readonly #trustsUnix: boolean
  readonly #trustsAny: boolean
  /** Requests whose path had the base path. */
  readonly #based = new WeakSet<IncomingMessage>()
  readonly #direct: readonly [plain: ClientView, secure: ClientView]

  /** Preconditions: the settings have checked the addresses. */
  constructor({ basePath, trusted }: ProxyOptions) {
    this.#basePath = basePath
    this.#trusted = blockListOf(trusted)
    this.#trustsUnix = trusted.includes('unix')
    this.#trustsAny = trusted.length > 0
    const direct = { address: null, prefix: basePath }
    this.#direct = [
      { ...direct, isSecure: false },
      { ...direct, isSecure: true },
    ]
  }

  /** The target of a request without the base path. Proxies that remove the prefix send none. */
  rewrite(request: IncomingMessage): string {
    const target = targetOf(request)
    const base = this.#basePath
    if (base === '' || !target.startsWith(base)) return target
    const rest = target.slice(base.length)
    if (!/^([/?]|$)/.test(rest)) return target
    this.#based.add(request)
    return rest.startsWith('/') ? rest : `/${rest}`
  }

  /** Says whether the peer of a connection is a trusted proxy. @param address undefined where it is not known */
  trusts(address: string | undefined, isUnix: boolean): boolean {
    if (!this.#trustsAny) return false
    return isUnix ? this.#trustsUnix : address !== undefined && this.#trustsAddress(address)
  }

  /** @throws Problem where a trusted proxy sends a malformed header, or two that contradict each other */
  viewOf(request: IncomingMessage, { isSecure, isUnix }: ConnectionKind): ClientView {
    const direct = this.#direct[isSecure ? 1 : 0]
    if (!this.trusts(request.socket.remoteAddress, isUnix)) return direct
    const forwarded = parseForwarded(request.headers, (address) => this.#trustsAddress(address))
    const { address } = forwarded
    return { address, isSecure: forwarded.isSecure ?? isSecure, prefix: this.#prefixOf(request, forwarded) }
  }

  /** A proxy that removes one prefix may pass the base path on: the client sees both. */
  #prefixOf(request: IncomingMessage, { prefix }: Forwarded): string {
    if (prefix === null) return this.#basePath
    return this.#based.has(request) ? `${prefix}${this.#basePath}` : prefix
  }

  #trustsAddress(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#trusted.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

function blockListOf(trusted: readonly string[]): BlockList {
  const list = new BlockList()
  for (const item of trusted.flatMap((name) => (name === 'loopback' ? ['127.0.0.0/8', '::1'] : [name]))) {
    const [address = '', bits] = item.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (isIP(address) === 0) continue
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

/**
 * Turns the absolute form of a request's target, as in `GET http://alpha:7007/sys`, into the path, with its authority
 * as Host: RFC 9112, section 3.2.2. Other targets are returned unchanged.
 */
function targetOf({ url, headers }: IncomingMessage): string {
  if (url === undefined || url.startsWith('/')) return url ?? ''
  const [, authority, rest] = /^https?:\/\/([^/?#@]+)(\/.*)?$/i.exec(url) ?? []
  if (authority === undefined) return url
  headers.host = authority
  return rest ?? '/'
}

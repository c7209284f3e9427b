/** Listens at each place of the settings: at addresses, and at unix sockets with their mode and group. */

import { chmodSync, chownSync, lstatSync, readFileSync, unlinkSync } from 'node:fs'
import { type AddressInfo, connect, type Server } from 'node:net'
import { ConfigError } from '../config/error.ts'
import { type ListeningPlace, listeningPlaces } from '../config/listening.ts'
import type { Config } from '../config/settings.ts'
import type { InheritedSocket } from './activation.ts'
import type { App } from './build.ts'
import { type Endpoint, ListenError } from './endpoint.ts'

export type SocketSettings = Pick<Config, 'host' | 'port' | 'socketMode' | 'socketGroup'>

/**
 * Listens with the sockets that systemd has opened; where it has opened none, at the places of the settings.
 * @returns the open sockets, those with an address first
 * @throws ListenError, ConfigError
 */
export async function listenAt(
  app: App,
  settings: SocketSettings,
  inherited: readonly InheritedSocket[] = [],
): Promise<readonly Endpoint[]> {
  const open = opener(app)
  return inherited.length > 0 ? openInherited(open, inherited) : openPlaces(open, settings)
}

async function openInherited(open: Open, inherited: readonly InheritedSocket[]): Promise<readonly Endpoint[]> {
  // The server of Fastify speaks TLS if any does, which a unix socket does not.
  const sorted = [...inherited.filter(({ host }) => host !== null), ...inherited.filter(({ host }) => host === null)]
  for (const { fd, host } of sorted) {
    try {
      await open({ fd }, { isUnix: host === null })
    } catch (error) {
      throw new ListenError(`cannot listen with descriptor ${fd}: ${messageOf(error)}`)
    }
  }
  return sorted
}

async function openPlaces(open: Open, settings: SocketSettings): Promise<readonly Endpoint[]> {
  const places = listeningPlaces(settings.host).flatMap(familiesOf)
  const addresses = places.filter((place) => 'host' in place)
  const gid = settings.socketGroup === undefined ? null : groupId(settings.socketGroup)
  const endpoints: Endpoint[] = []
  for (const { host, isOptional } of addresses) {
    // A free port that the first address has chosen is that of all.
    const port = endpoints[0]?.port ?? settings.port
    const server = await openAddress(open, { host, port }, { isOptional, isPortFree: settings.port === 0 })
    if (server !== null) endpoints.push({ host, port: (server.address() as AddressInfo).port, path: null })
  }
  for (const place of places)
    if ('path' in place) {
      await openUnix(open, place.path, { mode: Number.parseInt(settings.socketMode, 8), gid })
      endpoints.push({ host: null, port: 0, path: place.path })
    }
  return endpoints
}

type SinglePlace = { readonly host: string; readonly isOptional: boolean } | { readonly path: string }

/** `localhost` is an address of each family, so that clients which try only one find the service. */
function familiesOf(place: ListeningPlace): readonly SinglePlace[] {
  if (!('host' in place)) return [place]
  if (place.host !== 'localhost') return [{ host: place.host, isOptional: false }]
  return [
    { host: '127.0.0.1', isOptional: false },
    // A machine may have no IPv6.
    { host: '::1', isOptional: true },
  ]
}

/** An address with a port, a path, or a descriptor. */
interface SocketOptions {
  readonly host?: string
  readonly port?: number
  readonly path?: string
  /** Node accepts it, although its types do not have it. */
  readonly fd?: number
}

type Open = (options: SocketOptions, kind: { readonly isUnix: boolean }) => Promise<Server>

/** The first socket is that of Fastify itself. The others have servers of their own. */
function opener({ server }: App): Open {
  let isFirst = true
  return async (options, kind) => {
    if (!isFirst) return server.listener.open(options, kind)
    isFirst = false
    await server.listen({ ...options })
    return server.server
  }
}

/** @returns null where an optional address cannot be used @throws ListenError */
async function openAddress(
  open: Open,
  { host, port }: { readonly host: string; readonly port: number },
  { isOptional, isPortFree }: { readonly isOptional: boolean; readonly isPortFree: boolean },
): Promise<Server | null> {
  try {
    return await open({ host, port }, { isUnix: false })
  } catch (error) {
    const code = codeOf(error)
    if (isOptional && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || isPortFree)) return null
    if (code === 'EADDRINUSE') throw new ListenError(`port ${port} on ${host} is in use; choose another with --port`)
    throw new ListenError(`cannot listen on ${host}:${port}: ${messageOf(error)}`)
  }
}

/** @throws ListenError */
async function openUnix(
  open: Open,
  path: string,
  { mode, gid }: { readonly mode: number; readonly gid: number | null },
): Promise<void> {
  await removeStale(path)
  // Nobody else can connect before the socket has its mode and group.
  const before = process.umask(0o177)
  try {
    await open({ path }, { isUnix: true })
    if (gid !== null) chownSync(path, -1, gid)
    chmodSync(path, mode)
  } catch (error) {
    throw new ListenError(`cannot listen on unix:${path}: ${messageOf(error)}`)
  } finally {
    process.umask(before)
  }
}

/** Removes the socket of a service that was killed. @throws ListenError where another program uses the path */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new ListenError(`cannot listen on unix:${path}: there is a file that is no socket`)
  const refusal = await new Promise<string | null>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(null)
    })
    socket.once('error', (error) => resolve(codeOf(error)))
  })
  if (refusal === null)
    throw new ListenError(`cannot listen on unix:${path}: another program listens there; choose another path`)
  if (refusal !== 'ECONNREFUSED') throw new ListenError(`cannot listen on unix:${path}, which exists: ${refusal}`)
  unlinkSync(path)
}

/** @throws ConfigError */
function groupId(name: string): number {
  if (/^\d+$/.test(name)) return Number(name)
  const lines = readFileSync('/etc/group', 'utf8').split('\n')
  const fields = lines.map((line) => line.split(':')).find(([group]) => group === name)
  if (fields?.[2] === undefined) throw new ConfigError(`--socket-group ${name}: /etc/group has no such group`)
  return Number(fields[2])
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

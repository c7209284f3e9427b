/** Listens at each place of the settings: at addresses, and at unix sockets with their mode and group. */

import { chmodSync, chownSync, lstatSync, readFileSync, unlinkSync } from 'node:fs'
import { type AddressInfo, connect, type Server } from 'node:net'
import { ConfigError } from '../config/error.ts'
import { type ListeningPlace, listeningPlaces } from '../config/listening.ts'
import type { Config } from '../config/settings.ts'
import type { App } from './build.ts'

/** The service cannot listen; the message is one line for a person. */
export class ListenError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ListenError'
  }
}

/** A socket that is open, or will be. */
export interface Endpoint {
  /** Null for a unix socket. */
  readonly host: string | null
  /** 0 for a unix socket. */
  readonly port: number
  /** Path of a unix socket; null for an address. */
  readonly path: string | null
}

export type SocketSettings = Pick<Config, 'host' | 'port' | 'socketMode' | 'socketGroup'>

/** @returns the open sockets, those with an address first @throws ListenError, ConfigError */
export async function listenAt(app: App, settings: SocketSettings): Promise<readonly Endpoint[]> {
  const places = listeningPlaces(settings.host).flatMap(familiesOf)
  const addresses = places.filter((place) => 'host' in place)
  const gid = settings.socketGroup === undefined ? null : groupId(settings.socketGroup)
  const open = opener(app)
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

type SocketOptions = { readonly host: string; readonly port: number } | { readonly path: string }

type Open = (options: SocketOptions) => Promise<Server>

/** The first socket is that of Fastify itself. The others have servers of their own. */
function opener({ server }: App): Open {
  let isFirst = true
  return async (options) => {
    if (!isFirst) return server.listener.open({ ...options })
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
    return await open({ host, port })
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
    await open({ path })
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

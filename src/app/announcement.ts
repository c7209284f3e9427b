/** Prints where the service listens, and the first commands to try. They work as printed, in an order that works. */

import { hostname } from 'node:os'
import type { Config } from '../config/settings.ts'
import type { Token } from '../http/security/gate.ts'
import { certifies, type TlsMaterial } from '../http/security/tls.ts'
import { includesRole, type Role } from '../tree/role.ts'
import type { Endpoint } from './endpoint.ts'

export interface Announcement {
  readonly config: Config
  readonly endpoints: readonly Endpoint[]
  readonly tokens: readonly Token[] | null
  readonly tls: TlsMaterial | null
  /** Says where events are stored. */
  readonly storage: string
  readonly version: string
}

export function announcementOf(parts: Announcement): string {
  const { config, endpoints, tls, storage, version } = parts
  const { curl, place } = curlOf(parts)
  const commands = config.source === 'model' ? modelCommands(curl, place) : liveCommands(curl, place)
  const lines = commands.map(([what, command], index) => `${index + 1}. ${what}:\n     ${command}\n`)
  return `introspectd ${version} listens on ${urlsOf(endpoints, tls)}
Events are stored ${storage}
${hintsOf(parts).join('')}
Run these in this order, each in its own terminal:
${lines.join('')}`
}

/** The URLs of the service, for people and supervisors. That of the second address of `localhost` is left out. */
export function urlsOf(endpoints: readonly Endpoint[], tls: TlsMaterial | null): string {
  const isLocalhost = endpoints.some(({ host }) => host === '127.0.0.1')
  const shown = endpoints.filter(({ host }) => !(isLocalhost && host === '::1'))
  return shown.map((endpoint) => urlOf(endpoint, tls)).join(' and ')
}

function urlOf({ host, port, path }: Endpoint, tls: TlsMaterial | null): string {
  if (host === null) return `unix:${path}`
  return `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

interface Curl {
  readonly curl: string
  /** The commands have it before the path. Curl assumes http:// when the URL has no scheme. */
  readonly place: string
}

function curlOf({ config, endpoints, tokens, tls }: Announcement): Curl {
  const token = tokens === null ? '' : ` -H "authorization: Bearer ${tokenOf(config, tokens) ?? '$TOKEN'}"`
  const [{ host, port, path }] = endpoints as readonly [Endpoint, ...Endpoint[]]
  if (host === null) return { curl: `curl --unix-socket ${quoted(path!)}${token}`, place: 'localhost' }
  const names = namesOf(host, config.allowHost ?? [])
  if (tls === null) return { curl: `curl${token}`, place: `${bracketed(names[0]!)}:${port}` }
  const name = names.find((known) => certifies(tls, known))
  const trust = name === undefined ? '--insecure' : `--cacert ${quoted(config.tlsCert!)}`
  const own = tls.ca === undefined ? '' : ' --cert CLIENT.pem --key CLIENT.key'
  return { curl: `curl ${trust}${own}${token}`, place: `https://${bracketed(name ?? names[0]!)}:${port}` }
}

/** The names by which a client on this machine can reach an address, the best first. */
function namesOf(host: string, allowed: readonly string[]): readonly string[] {
  const others = allowed.map((place) => place.replace(/:\d+$/, ''))
  if (host === '0.0.0.0' || host === '::') return ['localhost', '127.0.0.1', hostname(), ...others]
  return host === '127.0.0.1' ? ['localhost', host, ...others] : [host, ...others]
}

function bracketed(name: string): string {
  return name.includes(':') ? `[${name}]` : name
}

/** A command in the shell that takes a token from the file; null where none has the role that the commands need. */
function tokenOf(config: Config, tokens: readonly Token[]): string | null {
  const role = neededRole(config)
  const found = tokens.find((token) => token.digest !== null && includesRole(token.role, role))
  if (found === undefined || !/^[\w.-]+$/.test(found.name)) return null
  return `$(awk '$1 == "${found.name}" { print $3 }' ${quoted(config.tokenFile!)})`
}

function neededRole({ source }: Config): Role {
  return source === 'model' ? 'operate' : 'control'
}

/** Lines that say what is to be filled in. */
function hintsOf({ config, tokens, tls }: Announcement): string[] {
  const role = neededRole(config)
  const hints: string[] = []
  if (tokens !== null && tokenOf(config, tokens) === null)
    hints.push(`TOKEN is a token with the role ${role} from ${config.tokenFile}\n`)
  else if (tokens !== null) hints.push(`The commands take a token with the role ${role} from ${config.tokenFile}\n`)
  if (tls?.ca !== undefined)
    hints.push(`CLIENT.pem and CLIENT.key are a certificate that ${config.tlsClientCa} has signed, and its key\n`)
  return hints
}

function quoted(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`
}

type FirstCommand = readonly [what: string, command: string]

function liveCommands(curl: string, place: string): readonly FirstCommand[] {
  return [
    ['Listen', `${curl} -N -H 'accept: text/event-stream' '${place}/sys?types=threshold.*'`],
    [
      'Set a threshold on every bash',
      `echo '100 per=process where.name=bash' | ${curl} -T- ${place}/sys/fds/threshold/hog`,
    ],
    [
      'Run a program that opens descriptors and closes none',
      `bash -c 'for i in {1..120}; do exec {fd}</dev/null; read -t .05; done; read'`,
    ],
  ]
}

function modelCommands(curl: string, place: string): readonly FirstCommand[] {
  return [
    ['Listen', `${curl} -N -H 'accept: text/event-stream' ${place}/sys`],
    ['Create a process', `${curl} ${place}/sys/proc -d '{"name":"server"}'`],
    ['List all kernel calls', `${curl} '${place}/sys/calls?format=text'`],
  ]
}

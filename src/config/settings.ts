/**
 * Defines the table of settings. Flags, environment variables, keys of the file, help and reference derive from its
 * rows.
 */

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { nearest } from '../base/nearest.ts'
import { defaultHistory } from '../kernel/history/history.ts'
import { PoolSizes } from '../tree/operations.ts'
import { environment } from './environment.ts'
import { ConfigError } from './error.ts'
import { type Given, parseConfigFile } from './file.ts'
import { listeningShape } from './listening.ts'
import { faultOf, marks, type Row, settingRows, valueOfText } from './row.ts'

export const MiB = 1024 * 1024

const share = z.number().gt(0).max(100)

/** Settings of the service. */
const serviceShape = {
  ...listeningShape,
  source: z
    .enum(['linux', 'model'])
    .default('linux')
    .describe('linux: the live machine; model: a simulated machine, driven by kernel calls'),
  clock: z
    .enum(['virtual', 'real'])
    .default('virtual')
    .describe('clock of the model; virtual: POST /sys/clock moves it; real: it follows the wall clock'),
  scenario: z.string().min(1).optional().describe('scenario file that the model runs at start'),
  state: z
    .string()
    .min(1)
    .optional()
    .describe('file with the initial state of the model, as GET /sys/state returns it'),
  pools: PoolSizes.optional().describe(
    'capacities of the whole machine in the model, such as channels=500,threads=1000; null is unlimited; in the file, a map',
  ),
  procRoot: z.string().min(1).default('/proc').describe('where procfs is mounted'),
  cgroupRoot: z.string().min(1).default('/sys/fs/cgroup').describe('where the cgroup file systems are mounted'),
  period: z.int().min(5).max(60_000).default(25).describe('ms between readings of limits that have a threshold'),
  fullPeriod: z.int().min(100).max(600_000).default(1000).describe('ms between readings of everything'),
  idleBudget: share.default(2).describe('most CPU for scanning while no threshold is set, in percent of one CPU'),
  armedBudget: share.default(7).describe('most CPU for scanning while thresholds are set, in percent of one CPU'),
  notifier: z
    .enum(['on', 'off'])
    .default('on')
    .describe('off: no threshold is watched; PUT /sys/notifier switches it while the service runs'),
  limitsOff: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'limits whose thresholds are not watched, such as fds,stack; PUT /sys/notifier/limits/<limit> switches one',
    ),
  historyEvery: z
    .int()
    .min(1000)
    .max(3_600_000)
    .default(defaultHistory.everyMs)
    .describe('interval of histories, in ms'),
  historyKeep: z
    .int()
    .min(1000)
    .max(604_800_000)
    .default(defaultHistory.retentionMs)
    .describe('how long histories are retained, in ms'),
  historyMemory: z
    .int()
    .min(0)
    .max(4096)
    .default(defaultHistory.bytesMax / MiB)
    .describe('most memory for all histories, in MiB; 0 records none'),
  historyTop: z
    .int()
    .min(0)
    .max(1000)
    .default(defaultHistory.top)
    .describe('number of top processes by CPU, and by memory, whose history is recorded without a threshold'),
  data: z
    .string()
    .min(1)
    .optional()
    .describe(
      "directory that stores events, thresholds and timers over restarts; memory: store nothing; default: the user's state directory for a live machine, memory for the model",
    ),
  journalKeep: z
    .int()
    .min(1000)
    .max(31_536_000_000)
    .default(604_800_000)
    .describe('how long events are retained in --data, in ms'),
  journalSize: z
    .int()
    .min(1)
    .max(1_048_576)
    .default(256)
    .describe('most disk space for events in --data, in MiB; the oldest events are deleted first'),
  tokenFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'file of bearer tokens, one "name role token" a line; role is read, control or operate; "name role cert" with --tls-client-ca',
    ),
  tlsCert: z
    .string()
    .min(1)
    .optional()
    .describe('PEM file with the certificate and its chain; the service then speaks HTTPS instead of HTTP'),
  tlsKey: z.string().min(1).optional().describe('PEM file with the private key of --tls-cert'),
  tlsClientCa: z
    .string()
    .min(1)
    .optional()
    .describe('PEM file with certificates; every client needs a certificate signed by one of them'),
  rateLimit: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(bounds.requestsPerSecond)
    .describe('most requests a second from one address; more get 429; 0 is unlimited'),
  connectionsPerAddress: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(bounds.connectionsPerAddress)
    .describe('most connections from one address; more get 429, and are closed past twice as many; 0 is unlimited'),
  streamsPerClient: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(bounds.streamsPerClient)
    .describe('most streams of one token, or of one address without tokens; more get 429; 0 is unlimited'),
  allowActions: z
    .boolean()
    .default(false)
    .describe(
      'on a live machine, operators and thresholds may send signals to processes, and operators may set rlimits',
    ),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('warn')
    .describe('lowest level that is logged to standard error: trace, debug, info, warn, error or silent'),
}

/** Settings of the commands that connect to a running service. */
const clientShape = {
  url: z
    .string()
    .transform((text) => (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`))
    .pipe(z.url({ protocol: /^https?$/, error: 'expected an address such as http://127.0.0.1:7007' }))
    .prefault('http://127.0.0.1:7007')
    .describe('URL of the service that the commands connect to; without a scheme it is http'),
  token: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'expected one word of ASCII')
    .optional()
    .describe('bearer token for the service; there is no flag, because other users can see flags')
    .register(marks, { secret: true }),
  ca: z
    .string()
    .min(1)
    .optional()
    .describe('PEM file with certificates to trust besides those that Node trusts, for a service with TLS'),
  clientCert: z.string().min(1).optional().describe('PEM file with the client certificate'),
  clientKey: z.string().min(1).optional().describe('PEM file with the private key of --client-cert'),
}

export const Config = z.strictObject({ ...serviceShape, ...clientShape })

export type Config = z.output<typeof Config>

export type Setting = Row<keyof Config>

export const serviceSettings: readonly Setting[] = settingRows(serviceShape)
export const clientSettings: readonly Setting[] = settingRows(clientShape)
export const settings: readonly Setting[] = [...serviceSettings, ...clientSettings]

/** The file that settings are read from. It has a flag and a variable, but is not a key of the file. */
export const [configFile] = settingRows({
  config: z.string().min(1).optional().describe('YAML file with settings'),
})

const prefix = 'INTROSPECTD_'

export function variableOf({ key }: Row): string {
  return `${prefix}${key.replaceAll('-', '_').toUpperCase()}`
}

/** The effective settings, and the origin of each. A setting without an origin has its default. */
export interface Effective {
  readonly config: Config
  readonly origins: ReadonlyMap<string, string>
}

/** Flags as typed, by the name of the setting. */
export type Flags = Readonly<Record<string, string | undefined>>

/** Flags win over the environment, which wins over the file, which wins over the defaults. @throws ConfigError */
export function readConfig(flags: Flags, variables: NodeJS.ProcessEnv = environment): Effective {
  refuseUnknownVariables(variables)
  const file = readConfigFile(typed(configFile!, flags, variables)[0])
  const origins = new Map<string, string>()
  const values = settings.flatMap((setting): [string, unknown][] => {
    const fromFile = file.get(setting.key)
    const all = [...typed(setting, flags, variables), ...(fromFile === undefined ? [] : [fromFile])]
    // An invalid value is refused also when another source overrides it.
    for (const given of all) refuseFault(setting, given)
    const [first] = all
    if (first === undefined) return []
    origins.set(setting.name, first.origin)
    return [[setting.name, first.value]]
  })
  return { config: Config.parse(Object.fromEntries(values)), origins }
}

/** Values from the flag and from the variable, in this order. */
function typed(row: Row, flags: Flags, environment: NodeJS.ProcessEnv): Given[] {
  const [flag, variable] = [`--${row.key}`, variableOf(row)]
  const texts = [
    { text: flags[row.name], origin: flag, place: flag },
    { text: environment[variable], origin: variable, place: row.secret ? variable : `${variable} (${flag})` },
  ]
  return texts.flatMap(({ text, origin, place }) =>
    text === undefined ? [] : [{ value: valueOfText(row, text), origin, place }],
  )
}

function refuseUnknownVariables(environment: NodeJS.ProcessEnv): void {
  const known = [...settings, configFile!].map(variableOf)
  const unknown = Object.keys(environment).find((name) => name.startsWith(prefix) && !known.includes(name))
  if (unknown === undefined) return
  // The common prefix must not make two names look alike.
  const meant = nearest(
    unknown.slice(prefix.length),
    known.map((name) => name.slice(prefix.length)),
  )
  const instead = meant === null ? `; there are ${known.join(', ')}` : `; did you mean ${prefix}${meant}?`
  throw new ConfigError(`there is no setting ${unknown}${instead}`)
}

function refuseFault(row: Row, { value, place }: Given): void {
  const fault = faultOf(row, value, place)
  if (fault !== null) throw new ConfigError(fault)
}

function readConfigFile(given: Given | undefined): ReadonlyMap<string, Given> {
  if (given === undefined) return new Map()
  const { value, origin } = given
  const file = String(value)
  return parseConfigFile(readText(file, origin), { file, keys: settings.map(({ key }) => key) })
}

function readText(file: string, origin: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    const why = error instanceof TypeError ? 'it is not UTF-8 text' : error instanceof Error ? error.message : error
    throw new ConfigError(`${origin} ${file}: ${why}`)
  }
}

/** Every setting, declared once: from these rows come flags, environment variables, keys of the file, help, reference. */

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { nearest } from '../base/nearest.ts'
import { defaultHistory } from '../kernel/history/history.ts'
import { PoolSizes } from '../tree/operations.ts'
import { ConfigError } from './error.ts'
import { type Given, parseConfigFile } from './file.ts'
import { faultOf, marks, type Row, settingRows, valueOfText } from './row.ts'

export const MiB = 1024 * 1024

const share = z.number().gt(0).max(100)

/** What the service itself goes by. */
const serviceShape = {
  host: z.string().min(1).default('127.0.0.1').describe('address to listen on; other than loopback needs --token-file'),
  port: z.int().min(0).max(65_535).default(7007).describe('port to listen on; 0 takes a free one'),
  source: z.enum(['linux', 'model']).default('linux').describe('a live machine, or the model that kernel calls drive'),
  clock: z
    .enum(['virtual', 'real'])
    .default('virtual')
    .describe('of the model: moved by POST /sys/clock, or following the wall clock'),
  scenario: z.string().min(1).optional().describe('of the model: file of a scenario that is run as it starts'),
  state: z
    .string()
    .min(1)
    .optional()
    .describe('of the model: file of a state that it begins in, as GET /sys/state gives it'),
  pools: PoolSizes.optional().describe(
    'of the model: capacity of each limit of the whole machine, as in channels=500,threads=1000; null for none; in the file a map',
  ),
  procRoot: z.string().min(1).default('/proc').describe('where procfs is mounted'),
  cgroupRoot: z.string().min(1).default('/sys/fs/cgroup').describe('where the cgroup file systems are mounted'),
  period: z.int().min(5).max(60_000).default(25).describe('ms between readings of what has a threshold'),
  fullPeriod: z.int().min(100).max(600_000).default(1000).describe('ms between readings of everything'),
  idleBudget: share.default(2).describe('percent of one CPU for scanning with no threshold set'),
  armedBudget: share.default(7).describe('percent of one CPU for scanning with thresholds set'),
  notifier: z
    .enum(['on', 'off'])
    .default('on')
    .describe('whether thresholds are watched: on or off; PUT /sys/notifier switches it'),
  limitsOff: z
    .array(z.string().min(1))
    .optional()
    .describe('limits whose thresholds are not watched, as fds,stack; PUT /sys/notifier/limits/<limit> switches one'),
  historyEvery: z
    .int()
    .min(1000)
    .max(3_600_000)
    .default(defaultHistory.everyMs)
    .describe('ms of each interval of histories'),
  historyKeep: z
    .int()
    .min(1000)
    .max(604_800_000)
    .default(defaultHistory.retentionMs)
    .describe('ms for which histories are kept'),
  historyMemory: z
    .int()
    .min(0)
    .max(4096)
    .default(defaultHistory.bytesMax / MiB)
    .describe('MiB that all histories may take; 0 keeps none'),
  historyTop: z
    .int()
    .min(0)
    .max(1000)
    .default(defaultHistory.top)
    .describe('so many processes by CPU, and as many by memory, have their history kept without a threshold'),
  data: z
    .string()
    .min(1)
    .optional()
    .describe(
      "directory where events, and what is set on a live machine, are kept over restarts; memory: nowhere; where it is left out a live machine has the user's state directory, and the model memory",
    ),
  journalKeep: z
    .int()
    .min(1000)
    .max(31_536_000_000)
    .default(604_800_000)
    .describe('ms for which events are kept in --data'),
  journalSize: z
    .int()
    .min(1)
    .max(1_048_576)
    .default(256)
    .describe('MiB of events that are kept in --data: past it the oldest go'),
  tokenFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'file of bearer tokens: "name role token" a line; role read, control or operate; "name role cert" with --tls-client-ca',
    ),
  tlsCert: z
    .string()
    .min(1)
    .optional()
    .describe('file of a certificate in PEM, with what it is signed by: serves HTTPS in place of HTTP'),
  tlsKey: z.string().min(1).optional().describe('file of its private key, in PEM'),
  tlsClientCa: z
    .string()
    .min(1)
    .optional()
    .describe('file of certificates in PEM: clients need one that is signed by one of these'),
  rateLimit: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(bounds.requestsPerSecond)
    .describe('requests a second that one address may make, and as many at once; past it 429; 0 is no limit'),
  connectionsPerAddress: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(bounds.connectionsPerAddress)
    .describe('connections that one address may have; past it 429, past twice as many they are closed; 0 is no limit'),
  streamsPerClient: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(bounds.streamsPerClient)
    .describe('streams that one token, or without tokens one address, may have; past it 429; 0 is no limit'),
  allowHost: z
    .array(z.string().min(1))
    .optional()
    .describe('further values of the Host header, with port; comma-separated, in the file a list'),
  allowActions: z
    .boolean()
    .default(false)
    .describe('of a live machine: operators and thresholds may send signals to processes, operators set their rlimits'),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('warn')
    .describe('what goes to standard error: trace, debug, info, warn, error or silent'),
}

/** What the commands go by that ask a running service. */
const clientShape = {
  url: z
    .url({ protocol: /^https?$/, error: 'expected an address such as http://127.0.0.1:7007' })
    .default('http://127.0.0.1:7007')
    .describe('where the service is that ps, watch, set and top ask'),
  token: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'expected one word of ASCII')
    .optional()
    .describe('bearer token that they send; no flag, because anybody sees those')
    .register(marks, { secret: true }),
  ca: z
    .string()
    .min(1)
    .optional()
    .describe('file of certificates in PEM that they trust beside those that Node does, where the service has TLS'),
  clientCert: z.string().min(1).optional().describe('file of the certificate in PEM that they show'),
  clientKey: z.string().min(1).optional().describe('file of its private key, in PEM'),
}

export const Config = z.strictObject({ ...serviceShape, ...clientShape })

export type Config = z.output<typeof Config>

export type Setting = Row<keyof Config>

export const serviceSettings: readonly Setting[] = settingRows(serviceShape)
export const clientSettings: readonly Setting[] = settingRows(clientShape)
export const settings: readonly Setting[] = [...serviceSettings, ...clientSettings]

/** No setting itself, but where settings are: a flag and a variable, and no key of the file. */
export const [configFile] = settingRows({
  config: z.string().min(1).optional().describe('YAML file of settings; without it none is read'),
})

const prefix = 'INTROSPECTD_'

export function variableOf({ key }: Row): string {
  return `${prefix}${key.replaceAll('-', '_').toUpperCase()}`
}

/** What is in effect, and where each came from; what has no origin is the default. */
export interface Effective {
  readonly config: Config
  readonly origins: ReadonlyMap<string, string>
}

/** For what is not a setting of ours: what a supervisor asks. */
export const environment = process.env

/** As typed, by the name of the setting. */
export type Flags = Readonly<Record<string, string | undefined>>

/** Flags win over the environment, which wins over the file, which wins over the defaults. @throws ConfigError */
export function readConfig(flags: Flags, environment: NodeJS.ProcessEnv = process.env): Effective {
  refuseStrangers(environment)
  const file = readConfigFile(typed(configFile!, flags, environment)[0])
  const origins = new Map<string, string>()
  const values = settings.flatMap((setting): [string, unknown][] => {
    const fromFile = file.get(setting.key)
    const all = [...typed(setting, flags, environment), ...(fromFile === undefined ? [] : [fromFile])]
    // What another overrules is not in effect, but it is wrong all the same.
    for (const given of all) refuseFault(setting, given)
    const [first] = all
    if (first === undefined) return []
    origins.set(setting.name, first.origin)
    return [[setting.name, first.value]]
  })
  return { config: Config.parse(Object.fromEntries(values)), origins }
}

/** From the flag and from the variable, in this order. */
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

function refuseStrangers(environment: NodeJS.ProcessEnv): void {
  const known = [...settings, configFile!].map(variableOf)
  const strange = Object.keys(environment).find((name) => name.startsWith(prefix) && !known.includes(name))
  if (strange === undefined) return
  // The part that all have in common makes none of them more likely.
  const meant = nearest(
    strange.slice(prefix.length),
    known.map((name) => name.slice(prefix.length)),
  )
  const instead = meant === null ? `; there are ${known.join(', ')}` : `; did you mean ${prefix}${meant}?`
  throw new ConfigError(`there is no setting ${strange}${instead}`)
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

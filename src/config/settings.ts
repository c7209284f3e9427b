/**
 * Defines the table of settings. Flags, environment variables, keys of the file, help and reference derive from its
 * rows.
 */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { defaultHistory } from '../kernel/history/history.ts'
import { groupings } from '../kernel/process-groups.ts'
import { ExecRoutes, Webhooks, withoutSecrets } from '../reactions/shape.ts'
import { ThresholdRules, TimeoutRules } from '../rules/rule-file.ts'
import { strangeType } from '../tree/event-types.ts'
import { PoolSizes } from '../tree/operations.ts'
import { listeningShape } from './listening.ts'
import { marks, type Row, settingRows } from './row.ts'

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
  rules: z
    .string()
    .min(1)
    .optional()
    .describe(
      'directory of YAML files with thresholds and timeouts, which are set at start and on SIGHUP; see docs/rules.md',
    ),
  thresholds: ThresholdRules.optional()
    .describe(`${ThresholdRules.description}; see docs/rules.md`)
    .register(marks, { fileOnly: true }),
  timeouts: TimeoutRules.optional()
    .describe(`${TimeoutRules.description}; see docs/rules.md`)
    .register(marks, { fileOnly: true }),
  webhooks: Webhooks.optional()
    .describe(`${Webhooks.description}; see docs/reactions.md`)
    .register(marks, { fileOnly: true, shown: withoutSecrets }),
  exec: ExecRoutes.optional()
    .describe(`${ExecRoutes.description}; see docs/reactions.md`)
    .register(marks, { fileOnly: true }),
  data: z
    .string()
    .min(1)
    .optional()
    .describe(
      "directory that stores events, thresholds and timers over restarts; memory: store nothing; default: the user's state directory for a live machine, memory for the model",
    ),
  journalTypes: z
    .array(z.string())
    .superRefine((types, context) => {
      const strange = strangeType(types)
      if (strange !== null) context.addIssue({ code: 'custom', message: strange })
    })
    .default(['*'])
    .describe(
      'types of events that are stored in --data; a name may end with * as in subscriptions; others are sent to streams only',
    ),
  journalShare: share
    .default(50)
    .describe(
      'most of --journal-size for births and deaths, in percent; their oldest are deleted first, so that others stay for --journal-keep',
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
      'file of bearer tokens, one "name role token" a line; role is read, control or operate; "name role cert" with --tls-client-ca, "name role uid:1000" or gid: for the peers of a unix socket',
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
  showCmdlines: z
    .boolean()
    .default(false)
    .describe('operators may read the command lines of processes, which may contain secrets'),
  metricsGroups: z
    .enum(groupings)
    .optional()
    .describe('adds metrics of groups of processes: by program, or by partition'),
  metricsGroupsMax: z
    .int()
    .min(1)
    .max(1000)
    .default(50)
    .describe('most groups in the metrics; the processes of others are in the group other'),
  logFormat: z
    .enum(['text', 'json'])
    .default('json')
    .describe('form of the log: json, or text; under systemd each line has its level for the journal'),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('warn')
    .describe('lowest level that is logged to standard error: trace, debug, info, warn, error or silent'),
}

/** Settings of the commands that connect to a running service. */
const clientShape = {
  url: z
    .string()
    .transform((text) => (/^unix:\/|^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`))
    .pipe(
      z.url({
        protocol: /^(https?|unix)$/,
        error: 'expected an address such as http://127.0.0.1:7007, or unix:/run/introspectd.sock',
      }),
    )
    .prefault('http://127.0.0.1:7007')
    .describe(
      'URL of the service that the commands connect to, or unix: and the path of its socket; without a scheme it is http',
    ),
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

/** The keys of the file. */
export const configKeys: readonly string[] = settings.map(({ key }) => key)

/** The file that settings are read from. It has a flag and a variable, but is not a key of the file. */
export const [configFile] = settingRows({
  config: z.string().min(1).optional().describe('YAML file with settings'),
})

export const variablePrefix = 'INTROSPECTD_'

export function variableOf({ key }: Row): string {
  return `${variablePrefix}${key.replaceAll('-', '_').toUpperCase()}`
}

/** The effective settings, and the origin of each. A setting without an origin has its default. */
export interface Effective {
  readonly config: Config
  /** The file that settings were read from; null without one. */
  readonly file: string | null
  readonly origins: ReadonlyMap<string, string>
}

/** Every setting, declared once: from this schema come the flags, the environment variables and the help. */

import { parseArgs } from 'node:util'
import { z } from 'zod'

const share = z.coerce.number().gt(0).max(100)

export const Config = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('address to listen on; other than loopback needs --token-file'),
  port: z.coerce.number().int().min(0).max(65_535).default(7007).describe('port to listen on; 0 takes a free one'),
  source: z.enum(['linux', 'model']).default('linux').describe('a live machine, or the model that kernel calls drive'),
  clock: z
    .enum(['virtual', 'real'])
    .default('virtual')
    .describe('of the model: moved by POST /sys/clock, or following the wall clock'),
  procRoot: z.string().min(1).default('/proc').describe('where procfs is mounted'),
  cgroupRoot: z.string().min(1).default('/sys/fs/cgroup').describe('where the cgroup file systems are mounted'),
  period: z.coerce
    .number()
    .int()
    .min(5)
    .max(60_000)
    .default(25)
    .describe('ms between readings of what has a threshold'),
  fullPeriod: z.coerce.number().int().min(100).max(600_000).default(1000).describe('ms between readings of everything'),
  idleBudget: share.default(2).describe('percent of one CPU for scanning with no threshold set'),
  armedBudget: share.default(7).describe('percent of one CPU for scanning with thresholds set'),
  tokenFile: z
    .string()
    .optional()
    .describe('file of bearer tokens: "name role token" a line; role read, control or operate'),
  allowHost: z
    .string()
    .transform((text) => text.split(',').map((host) => host.trim()))
    .optional()
    .describe('further values of the Host header, comma-separated, with port'),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('warn')
    .describe('what goes to standard error'),
})

export type Config = z.output<typeof Config>

/** A setting that is not understood; the message says which and why. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigError'
  }
}

/** For what is not a setting of ours: what a supervisor asks. */
export const environment = process.env

const keys = Object.keys(Config.shape) as (keyof Config)[]
const flagOf = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
const variableOf = (key: string): string => `INTROSPECTD_${flagOf(key).replaceAll('-', '_').toUpperCase()}`

/** Flags win over the environment, which wins over the defaults. @throws ConfigError */
export function readConfig(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Config {
  const known = new Set(keys.map(variableOf))
  const strange = Object.keys(environment).find((name) => name.startsWith('INTROSPECTD_') && !known.has(name))
  if (strange !== undefined) throw new ConfigError(`there is no setting ${strange}; there are ${[...known].join(', ')}`)
  const flags = readFlags(args)
  const given = keys.flatMap((key): [string, string][] => {
    const value = flags[flagOf(key)] ?? environment[variableOf(key)]
    return value === undefined ? [] : [[key, value]]
  })
  const parsed = Config.safeParse(Object.fromEntries(given))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new ConfigError(`--${flagOf(String(issue?.path[0]))}: ${issue?.message}`)
}

function readFlags(args: readonly string[]): Record<string, string | undefined> {
  const options = Object.fromEntries(keys.map((key) => [flagOf(key), { type: 'string' as const }]))
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error))
  }
}

/** One line a setting: flag, default, meaning. */
export function configHelp(): string {
  const rows = keys.map((key) => {
    const schema = Config.shape[key]
    const fallback = schema.safeParse(undefined)
    const standard = fallback.success && fallback.data !== undefined ? ` (${String(fallback.data)})` : ''
    return { flag: `--${flagOf(key)}`, text: `${schema.description}${standard}` }
  })
  const width = Math.max(...rows.map(({ flag }) => flag.length))
  return rows.map(({ flag, text }) => `  ${flag.padEnd(width)}  ${text}\n`).join('')
}

/** For the documentation of the settings. */
export const settings = keys.map((key) => ({
  flag: `--${flagOf(key)}`,
  variable: variableOf(key),
  description: Config.shape[key].description!,
}))

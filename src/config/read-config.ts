/** Reads the settings in effect: from flags, from environment variables and from the file, in this order. */

import { readFileSync } from 'node:fs'
import { nearest } from '../base/nearest.ts'
import { printable } from '../base/terminal-text.ts'
import { parseYamlText } from '../base/yaml-text.ts'
import { parseRules } from '../rules/rule-file.ts'
import { ruleFaultText } from '../tree/errors.ts'
import { environment } from './environment.ts'
import { ConfigError } from './error.ts'
import { type Given, parseConfigFile } from './file.ts'
import { faultOf, type Row, valueOfText } from './row.ts'
import { Config, configFile, configKeys, type Effective, settings, variableOf, variablePrefix } from './settings.ts'

/** Flags as typed, by the name of the setting. */
export type Flags = Readonly<Record<string, string | undefined>>

/** Flags win over the environment, which wins over the file, which wins over the defaults. @throws ConfigError */
export function readConfig(flags: Flags, variables: NodeJS.ProcessEnv = environment): Effective {
  refuseUnknownVariables(variables)
  const [named] = typed(configFile!, flags, variables)
  const file = readConfigFile(named)
  const origins = new Map<string, string>()
  const values = settings.flatMap((setting): [string, unknown][] => {
    const fromFile = file.get(setting.key)
    const all = [...typed(setting, flags, variables), ...(fromFile === undefined ? [] : [fromFile])]
    // An invalid value is refused also when another source overrides it.
    if (!setting.fileOnly) for (const given of all) refuseFault(setting, given)
    const [first] = all
    if (first === undefined) return []
    origins.set(setting.name, first.origin)
    return [[setting.name, first.value]]
  })
  return {
    config: Config.parse(Object.fromEntries(values)),
    file: named === undefined ? null : String(named.value),
    origins,
  }
}

/** Values from the flag and from the variable, in this order. */
function typed(row: Row, flags: Flags, environment: NodeJS.ProcessEnv): Given[] {
  if (row.fileOnly) return []
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
  const known = [...settings, configFile!].filter(({ fileOnly }) => !fileOnly).map(variableOf)
  const unknown = Object.keys(environment).find((name) => name.startsWith(variablePrefix) && !known.includes(name))
  if (unknown === undefined) return
  // The common prefix must not make two names look alike.
  const meant = nearest(
    unknown.slice(variablePrefix.length),
    known.map((name) => name.slice(variablePrefix.length)),
  )
  const instead = meant === null ? `; there are ${known.join(', ')}` : `; did you mean ${variablePrefix}${meant}?`
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
  const text = readText(file, origin)
  const settingsOfFile = parseConfigFile(text, { file, keys: configKeys })
  const { faults } = parseRules(text, { file, otherKeys: configKeys })
  const [first, ...more] = faults
  const others = more.length === 0 ? '' : `; introspectd rules check shows ${more.length} more`
  if (first !== undefined) throw new ConfigError(`${ruleFaultText(first)}${others}`)
  const structured = settings.filter(({ fileOnly, key }) => fileOnly && settingsOfFile.has(key))
  for (const row of structured) refuseStructured(row, settingsOfFile.get(row.key)!.value, { file, text })
  return settingsOfFile
}

/** Names the line of the first fault inside a structured setting. Its values may be secret, so none is shown. */
function refuseStructured({ key, schema }: Row, value: unknown, { file, text }: { file: string; text: string }): void {
  const [issue] = schema.safeParse(value).error?.issues ?? []
  if (issue === undefined) return
  const [strange] = issue.code === 'unrecognized_keys' ? issue.keys : []
  const path = [key, ...issue.path, ...(strange === undefined ? [] : [strange])]
  const { line } = parseYamlText(text).placeOf(path, strange === undefined ? 'value' : 'key')
  const place = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  const detail = strange === undefined ? issue.message : 'there is no such key'
  throw new ConfigError(printable(`${file}:${line}: ${place.slice(1)}: ${detail}`))
}

function readText(file: string, origin: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    const why = error instanceof TypeError ? 'it is not UTF-8 text' : error instanceof Error ? error.message : error
    throw new ConfigError(`${origin} ${file}: ${why}`)
  }
}

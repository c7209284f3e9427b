/** Prints settings: the effective values, the JSON Schema of the file, and help texts. */

import { z } from 'zod'
import { yaml } from '../base/yaml.ts'
import { type Effective, type Setting, settings } from './settings.ts'

/** Prints a file with the effective settings. Each line ends with the origin of its value. */
export function printConfig({ config, origins }: Effective): string {
  const lines = settings.map((setting) => {
    const value = config[setting.name]
    const origin = origins.get(setting.name) ?? 'default'
    if (value === undefined) return `# ${setting.key} is not set`
    // A comment: read again, the line would lack its secrets.
    if (setting.shown !== null) return `# ${yamlLine(setting.key, setting.shown(value))} # ${origin}`
    return setting.secret
      ? `# ${setting.key} is set, and not shown # ${origin}`
      : `${yamlLine(setting.key, value)} # ${origin}`
  })
  return `${lines.join('\n')}\n`
}

const oneLine = { lineWidth: 0, blockQuote: false, doubleQuotedMinMultiLineLength: Number.POSITIVE_INFINITY } as const

/** Prints any value on one line. Lists and maps are printed as JSON, which is also YAML. */
function yamlLine(key: string, value: unknown): string {
  return typeof value === 'object'
    ? `${key}: ${JSON.stringify(value)}`
    : yaml()
        .stringify({ [key]: value }, oneLine)
        .trimEnd()
}

/** JSON Schema of the settings file. */
export function configSchema(): object {
  const shape = Object.fromEntries(settings.map(({ key, schema }) => [key, schema]))
  const { $schema, ...rest } = z.toJSONSchema(z.strictObject(shape), { io: 'input' })
  return { $schema, title: 'The settings of introspectd', ...rest }
}

/** Description of a setting, with its default in brackets. */
export function helpOf({ description, standard }: Setting): string {
  return standard === undefined ? description : `${description} (${String(standard)})`
}

/** The settings as they are shown: those in effect, their JSON Schema, and help. */

import { stringify } from 'yaml'
import { z } from 'zod'
import { type Effective, type Setting, settings } from './settings.ts'

/** As a file that has the same effect, each line with where its value comes from. */
export function printConfig({ config, origins }: Effective): string {
  const lines = settings.map((setting) => {
    const value = config[setting.name]
    const origin = origins.get(setting.name) ?? 'default'
    if (value === undefined) return `# ${setting.key} is not set`
    return setting.secret
      ? `# ${setting.key} is set, and not shown # ${origin}`
      : `${yamlLine(setting.key, value)} # ${origin}`
  })
  return `${lines.join('\n')}\n`
}

const oneLine = { lineWidth: 0, blockQuote: false, doubleQuotedMinMultiLineLength: Number.POSITIVE_INFINITY } as const

/** One line, whatever the value; of a list or a map JSON, which is YAML too. */
function yamlLine(key: string, value: unknown): string {
  return typeof value === 'object' ? `${key}: ${JSON.stringify(value)}` : stringify({ [key]: value }, oneLine).trimEnd()
}

/** Of the file. */
export function configSchema(): object {
  const shape = Object.fromEntries(settings.map(({ key, schema }) => [key, schema]))
  const { $schema, ...rest } = z.toJSONSchema(z.strictObject(shape), { io: 'input' })
  return { $schema, title: 'The settings of introspectd', ...rest }
}

/** What it means, and in brackets what it is where nothing says otherwise. */
export function helpOf({ description, standard }: Setting): string {
  return standard === undefined ? description : `${description} (${String(standard)})`
}

/** What the reference says of settings and commands is made from their rows: `npm run reference` writes it, a test holds it to them. */

import { readFileSync, writeFileSync } from 'node:fs'
import type { Command } from '../../src/cli/command.ts'
import { argumentText, optionText } from '../../src/cli/command-line.ts'
import { commandsOf } from '../../src/cli/commands.ts'
import { configSchema } from '../../src/config/print.ts'
import { type Row, rowsOf } from '../../src/config/row.ts'
import { settings, variableOf } from '../../src/config.ts'

const code = (text: string): string => (text === '' ? '' : `\`${text}\``)

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = titles.map((title, place) => Math.max(title.length, ...escaped.map((row) => row[place]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, place) => cell.padEnd(widths[place]!)).join(' | ')} |\n`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |\n`
  return `${line(titles)}${rule}${escaped.map(line).join('')}`
}

const standardText = ({ standard }: Row): string =>
  standard === undefined || standard === false ? '' : code([standard].flat().join(','))

const settingsTable = (): string =>
  table(
    ['key', 'flag', 'variable', 'default', 'meaning'],
    settings.map((setting) => [
      code(setting.key),
      setting.secret ? '' : code(`--${setting.key}`),
      code(variableOf(setting)),
      standardText(setting),
      setting.description,
    ]),
  )

const nothing = { serve: async () => {}, openApi: () => ({}) }

const commandsText = (): string => commandsOf(nothing).map(commandText).join('\n')

function commandText({ name, summary, args, options, settings: own, examples }: Command): string {
  const words = rowsOf(args)
  const flags = rowsOf(options)
  const rows = [
    ...words.map((row) => [code(argumentText(row)), standardText(row), row.description]),
    ...flags.map((row) => [code(optionText(row)), standardText(row), row.description]),
  ]
  const heading = ['introspectd', name, ...words.map(argumentText)].join(' ')
  const taken = own.filter(({ secret }) => !secret).map(({ key }) => code(`--${key}`))
  return [
    `## ${heading}\n\n${summary[0]!.toUpperCase()}${summary.slice(1)}.\n`,
    ...(rows.length === 0 ? [] : [table(['argument or flag', 'default', 'meaning'], rows)]),
    ...(taken.length === 0 ? [] : [`Settings: ${[...taken, code('--config')].join(', ')}.\n`]),
    `\`\`\`sh\n${examples.join('\n')}\n\`\`\`\n`,
  ].join('\n')
}

/** What stands between the two marks of a page. */
const inPage = (page: string, text: string): string =>
  page.replace(
    /(<!-- from here npm run reference -->\n).*(<!-- to here -->)/s,
    (_, begin, end) => `${begin}\n${text}\n${end}`,
  )

/** Each page as it is to be, from what it is. */
export const pages: Readonly<Record<string, (page: string) => string>> = {
  'settings.md': (page) => inPage(page, settingsTable()),
  'commands.md': (page) => inPage(page, commandsText()),
  'config.schema.json': () => `${JSON.stringify(configSchema(), null, 2)}\n`,
}

if (import.meta.main) {
  for (const [name, renew] of Object.entries(pages)) {
    const file = new URL(name, import.meta.url)
    writeFileSync(file, renew(readFileSync(file, 'utf8')))
  }
}

/**
 * Generates the reference of settings, commands, kernel calls, paths, limits, events and problems from their rows.
 * The text of a kernel call is its docstring. `npm run reference` writes the pages, and a test compares them with the
 * rows.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import type { Command } from '../../src/cli/command.ts'
import { argumentText, optionText } from '../../src/cli/command-line.ts'
import { commandsOf } from '../../src/cli/commands.ts'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import { configSchema } from '../../src/config/print.ts'
import { type Row, settingRows } from '../../src/config/row.ts'
import { settings, variableOf } from '../../src/config/settings.ts'
import { problemTypes } from '../../src/http/problems.ts'
import { serviceRoutes } from '../../src/http/service-routes.ts'
import { levels } from '../../src/kernel/limits/limit-row.ts'
import { limits } from '../../src/kernel/limits/table.ts'
import { units } from '../../src/kernel/limits/units.ts'
import { type KernelCallName, kernelCallNames, kernelCalls } from '../../src/model/calls/table.ts'
import { capacityRlimits, linuxReading } from '../../src/sources/linux/linux-limits.ts'
import { callArguments, Duration } from '../../src/tree/calls.ts'
import type { Definition } from '../../src/tree/definition.ts'
import { ThresholdBody } from '../../src/tree/threshold-body.ts'
import { definitions } from '../../src/tree/tree.ts'
import type { LinesVerb, Verb } from '../../src/tree/verb.ts'
import { configFileText } from './config-file.ts'
import { eventDataText, eventTypesTable, reasonTables } from './events.ts'
import { manualPage } from './manual.ts'
import { capital, code, table } from './markdown.ts'

const standardText = ({ standard }: Row): string =>
  standard === undefined || standard === false ? '' : code([standard].flat().join(','))

const settingsTable = (): string =>
  table(
    ['key', 'flag', 'variable', 'default', 'meaning'],
    settings.map((setting) => [
      code(setting.key),
      setting.secret || setting.fileOnly ? '' : code(`--${setting.key}`),
      setting.fileOnly ? '' : code(variableOf(setting)),
      standardText(setting),
      setting.description,
    ]),
  )

const { version: packageVersion } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

const nothing = { serve: async () => {}, openApi: () => ({}), asyncApi: () => ({}) }

const commandsText = (): string => commandsOf(nothing).map(commandText).join('\n')

function exitCodesTable(): string {
  const rows = Object.values(exitCodes).map(({ code: number, meaning }) => [String(number), meaning])
  return table(['exit code', 'meaning'], rows)
}

function commandText({ name, summary, args, options, settings: own, examples }: Command): string {
  const words = settingRows(args)
  const flags = settingRows(options)
  const rows = [
    ...words.map((row) => [code(argumentText(row)), standardText(row), row.description]),
    ...flags.map((row) => [code(optionText(row)), standardText(row), row.description]),
  ]
  const heading = ['introspectd', name, ...words.map(argumentText)].join(' ')
  const taken = own.filter(({ secret, fileOnly }) => !secret && !fileOnly).map(({ key }) => code(`--${key}`))
  return [
    `## ${heading}\n\n${capital(summary)}.\n`,
    ...(rows.length === 0 ? [] : [table(['argument or flag', 'default', 'meaning'], rows)]),
    ...(taken.length === 0 ? [] : [`${wrapped(`Settings: ${[...taken, code('--config')].join(', ')}.`)}\n`]),
    `\`\`\`sh\n${examples.join('\n')}\n\`\`\`\n`,
  ].join('\n')
}

const callFiles = new URL('../../src/model/calls/', import.meta.url)

/** Docstring of each kernel call by its function's name, without the stars. */
const docstrings = new Map(
  readdirSync(callFiles).flatMap((file) => {
    const source = readFileSync(new URL(file, callFiles), 'utf8')
    const found = source.matchAll(/\/\*\*\n?((?:(?!\*\/)[\s\S])*)\*\/\nexport function (\w+)/g)
    return [...found].map(([, text, name]): [string, string] => [name!, text!.replace(/^ ?\*? ?/gm, '').trim()])
  }),
)

/** Breaks text into lines of at most 120 columns. */
function wrapped(text: string): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= 120) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.join('\n')
}

/** The kernel takes ms, a client writes a duration. @param schema Description in the schema of the request. */
function noteText(note: string | undefined, schema = ''): string {
  if (note === undefined) return schema
  return schema === Duration.description ? note.replace(/^ms\b/, 'duration') : note
}

function callText(call: KernelCallName): string {
  const words = docstrings.get(kernelCalls[call].name)
  if (words === undefined) throw new Error(`${call} has no docstring`)
  const [what, ...tags] = words.replaceAll('\n', ' ').split(/ ?@(?=param|returns|throws)/)
  const said = (tag: string): string[] =>
    tags.filter((text) => text.startsWith(`${tag} `)).map((text) => text.slice(tag.length + 1).trim())
  const schema = z.toJSONSchema(callArguments[call], { io: 'input' })
  const required = new Set(schema.required ?? [])
  const notes = new Map(said('param').map((text) => [text.split(' ')[0]!, text.slice(text.indexOf(' ') + 1)]))
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    code(required.has(name) ? name : `[${name}]`),
    noteText(notes.get(name), typeof property === 'object' ? property.description : undefined),
  ])
  return [
    `## ${call}\n`,
    `${wrapped(capital(what!.startsWith(`${call}: `) ? what!.slice(call.length + 2).trim() : what!.trim()))}\n`,
    ...(rows.length === 0 ? [] : [table(['argument', 'meaning'], rows)]),
    ...said('returns').map((text) => `${wrapped(`Returns ${text}.`)}\n`),
    ...said('throws').map((text) => `${wrapped(`Fails with: ${text}.`)}\n`),
  ].join('\n')
}

function verbsOf({ put, post, postLines, remove }: Definition, create?: Verb): [string, Verb | LinesVerb][] {
  const verbs = { PUT: put ?? create, POST: post ?? postLines, DELETE: remove }
  return Object.entries(verbs).flatMap(([method, verb]) => (verb === undefined ? [] : [[method, verb]]))
}

function onModel(summary: string, ...rows: readonly { readonly modelOnly?: true }[]): string {
  return rows.some(({ modelOnly }) => modelOnly) ? `${summary}. The model only` : summary
}

/** Every row of the tree at each of its levels. */
function pathsTable(): string {
  const rows = definitions.flatMap((definition) =>
    definition.under.map((level) => [
      code(`${level} ${definition.leaf}`.trim()),
      ['GET', ...verbsOf(definition).map(([method]) => method)].join(', '),
      onModel(definition.summary, definition),
    ]),
  )
  return table(['level and leaf', 'methods', 'meaning'], rows)
}

/** A role that the body can raise names both. */
function roleText(verb: Verb | LinesVerb): string {
  return 'roleFor' in verb ? `${verb.role}, or higher by the body` : verb.role
}

/** The verbs of the tree that change something. */
function verbsTable(): string {
  const rows = definitions.flatMap((definition) =>
    verbsOf(definition, definition.create).map(([method, verb]) => {
      const { under, leaf, create } = definition
      const name = [leaf, ...(verb === create ? [':name'] : [])].filter((part) => part !== '').join('/')
      return [method, under.join(', '), code(name), roleText(verb), onModel(verb.summary, definition, verb)]
    }),
  )
  return table(['method', 'levels', 'leaf', 'role', 'effect'], rows)
}

/** The routes outside the tree. */
function serviceTable(): string {
  const rows = serviceRoutes.flatMap(({ path, verbs }) =>
    Object.entries(verbs).map(([method, { access, summary }]) => [`${method} ${path}`, access, summary]),
  )
  return table(['route', 'role', 'meaning'], rows)
}

function pathsText(): string {
  return [
    pathsTable(),
    '`GET` needs the role `read`. The other methods change something:\n',
    verbsTable(),
    'Routes outside the tree; `open` needs no token:\n',
    serviceTable(),
  ].join('\n')
}

function problemsTable(): string {
  const rows = Object.entries(problemTypes).map(([type, { status, title }]) => [code(type), String(status), title])
  return table(['type', 'status', 'title'], rows)
}

function limitsTable(): string {
  return table(
    ['limit', 'unit', 'home', 'adds', 'on Linux'],
    limits.map(({ name, unit, home, adds, linux }) => [
      code(name),
      unit,
      home,
      adds,
      'unavailable' in linux ? `not measured: ${linux.unavailable}` : linux.summary,
    ]),
  )
}

/** The units of limits, and how people write amounts in them. */
function unitsTable(): string {
  const rows = Object.entries(units).map(([name, { written }]) => [name, written])
  return table(['unit', 'in text'], rows)
}

/** The sources of capacities on Linux, a row for each limit that has one. */
function capacitiesTable(): string {
  const rows = limits.map(({ name }) => [
    name,
    ...levels.map((level) => {
      const rlimit = capacityRlimits.find(({ limit }) => limit === name)
      if (level === 'process' && rlimit !== undefined) return `soft rlimit ${code(rlimit.name)}`
      return linuxReading(name)?.capacity?.[level] ?? ''
    }),
  ])
  return table(
    ['capacity of', ...levels],
    rows.filter(([, ...cells]) => cells.some((cell) => cell !== '')),
  )
}

function thresholdTable(): string {
  const rows = Object.entries(ThresholdBody.shape).map(([name, { description = '' }]) => [name, description])
  return table(['field', 'meaning'], rows)
}

/** Replaces what stands between pairs of marks in a page, the first pair by the first text. */
function inPage(page: string, ...texts: readonly string[]): string {
  let place = 0
  return page.replace(
    /(<!-- from here npm run reference -->\n).*?(<!-- to here -->)/gs,
    (_, begin, end) => `${begin}\n${texts[place++]}\n${end}`,
  )
}

/** Each page by its name, with the function that renews it. */
export const pages: Readonly<Record<string, (page: string) => string>> = {
  'settings.md': (page) => inPage(page, settingsTable()),
  'commands.md': (page) => inPage(page, commandsText(), exitCodesTable()),
  'paths.md': (page) => inPage(page, pathsText()),
  'errors.md': (page) => inPage(page, problemsTable()),
  'limits.md': (page) => inPage(page, limitsTable(), unitsTable(), capacitiesTable(), thresholdTable()),
  'events.md': (page) => inPage(page, eventTypesTable(), ...reasonTables(), eventDataText()),
  'calls.md': (page) => inPage(page, kernelCallNames.map(callText).join('\n')),
  'introspectd.1': () => manualPage(commandsOf(nothing), packageVersion),
  '../../deploy/introspectd.yaml': () => configFileText(),
  'config.schema.json': () => `${JSON.stringify(configSchema(), null, 2)}\n`,
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, renew] of Object.entries(pages)) {
    const file = new URL(name, import.meta.url)
    writeFileSync(file, renew(readFileSync(file, 'utf8')))
  }
}

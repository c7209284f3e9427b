/** Parses the command line and runs the command. The parser is generated from the rows of the commands. */

import { CommanderError, Option, Command as Parser } from 'commander'
import { didYouMean } from '../base/nearest.ts'
import { helpOf } from '../config/print.ts'
import { readConfig } from '../config/read-config.ts'
import { faultOf, type Row, settingRows, valueOfText } from '../config/row.ts'
import { configFile, type Setting } from '../config/settings.ts'
import type { Command } from './command.ts'
import { CliError } from './error.ts'
import { type CommandIo, processIo } from './io.ts'
import { print } from './print.ts'

interface CommandLine {
  /** The first command is the default. */
  readonly commands: readonly [Command, ...Command[]]
  readonly version: string
}

/** @throws CliError, ConfigError, and the errors of the command */
export async function runCommandLine(
  line: CommandLine,
  words: readonly string[],
  io: CommandIo = processIo,
): Promise<void> {
  const names = [...line.commands.map(({ name }) => name), 'help']
  const [first] = words
  const named = first !== undefined && !first.startsWith('-')
  if (named && !names.includes(first)) {
    throw new CliError(`there is no command ${first}${didYouMean(first, names) || '; see introspectd --help'}`)
  }
  const whole = named || /^(-h|--help|-V|--version)$/.test(first ?? '')
  try {
    await parserOf(line, io).parseAsync(whole ? [...words] : [line.commands[0].name, ...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0) throw new CliError(oneLine(error.message))
  }
}

/** Turns a message of commander into one line: `error: unknown option '--prot'\n(Did you mean --port?)`. */
function oneLine(message: string): string {
  return message.replace(/^error: /, '').replace(/\s*\(Did you mean (?:one of )?(.*)\?\)$/, '; did you mean $1?')
}

function parserOf({ commands, version }: CommandLine, io: CommandIo): Parser {
  const parser = new Parser('introspectd')
    .description('Thresholds and events on the processes and threads of this machine.')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => {}, writeOut: (text) => print(io, text) })
    .addHelpText('after', () => settingsHelp(commands[0].settings.filter(({ fileOnly }) => !fileOnly)))
  for (const command of commands) addTo(parser, command, io)
  return parser
}

function settingsHelp(settings: readonly Setting[]): string {
  const width = Math.max(...settings.map(({ key }) => key.length))
  const rows = settings.map((setting) => `  --${setting.key.padEnd(width)}  ${helpOf(setting)}\n`).join('')
  return `\nThe default command is serve. Each setting of serve is a flag (--token-file), an environment variable
(INTROSPECTD_TOKEN_FILE), and a key of the --config file (token-file). introspectd config prints the values in effect.
${rows}`
}

function addTo(parser: Parser, command: Command, io: CommandIo): void {
  const args = settingRows(command.args)
  const options = settingRows(command.options)
  const sub = parser
    .command(command.name)
    .description(`${command.summary[0]!.toUpperCase()}${command.summary.slice(1)}.`)
  for (const row of args) sub.argument(argumentText(row), row.description)
  for (const row of options) sub.addOption(optionOf(row, row.description))
  for (const setting of command.settings)
    if (!setting.secret && !setting.fileOnly) sub.addOption(optionOf(setting, helpOf(setting)))
  if (command.settings.length > 0) sub.addOption(optionOf(configFile!, configFile!.description))
  sub.addHelpText('after', `\nExamples:\n${command.examples.map((example) => `  ${example}\n`).join('')}`)
  sub.action(async () => {
    // Process lists such as ps(1) would show only the name of the runtime.
    io.setTitle(`introspectd ${command.name}`)
    const typed = sub.opts<Record<string, string | true>>()
    const texts = Object.fromEntries(Object.entries(typed).map(([name, text]) => [name, String(text)]))
    await command.run({
      args: valuesOf(
        args,
        (row) => argumentValue(row, sub.args, args.indexOf(row)),
        (row) => row.key.toUpperCase(),
      ),
      options: valuesOf(
        options,
        (row) => optionValue(row, texts),
        (row) => `--${row.key}`,
      ),
      ...readConfig(settingTexts(command, texts), io.env),
      io,
    })
  })
}

export function argumentText({ key, type, required }: Row): string {
  const name = type === 'array' ? `${key}...` : key
  return required ? `<${name}>` : `[${name}]`
}

function optionOf(row: Row, description: string): Option {
  const option = new Option(optionText(row), description)
  if (!row.repeats && row.type !== 'array') return option
  return option.argParser((text, former?: string) => (former === undefined ? text : `${former},${text}`))
}

export function optionText({ key, type, letter }: Row): string {
  const flags = letter === null ? `--${key}` : `-${letter}, --${key}`
  return type === 'boolean' ? flags : `${flags} <${valueNames[type]}>`
}

const valueNames = { string: 'text', integer: 'number', number: 'number', array: 'list', object: 'map' } as const

function argumentValue(row: Row, words: readonly string[], at: number): unknown {
  if (row.type === 'array') return words.slice(at)
  const word = words[at]
  return word === undefined ? undefined : valueOfText(row, word)
}

function optionValue(row: Row, texts: Readonly<Record<string, string>>): unknown {
  const text = texts[row.name]
  return text === undefined ? undefined : valueOfText(row, text)
}

/** Reads and checks the values of the rows. @throws CliError */
function valuesOf(
  rows: readonly Row[],
  read: (row: Row) => unknown,
  labelOf: (row: Row) => string,
): Readonly<Record<string, unknown>> {
  const values = rows.map((row) => {
    const value = read(row)
    const fault = faultOf(row, value, labelOf(row))
    if (fault !== null) throw new CliError(fault)
    return [row.name, value]
  })
  return Object.fromEntries(values)
}

/**
 * Selects the flags that are settings. An option of a command may have the same name as a setting of another command.
 */
function settingTexts({ settings }: Command, texts: Readonly<Record<string, string>>): Record<string, string> {
  const names: readonly string[] = [...settings, configFile!].map(({ name }) => name)
  return Object.fromEntries(Object.entries(texts).filter(([name]) => names.includes(name)))
}

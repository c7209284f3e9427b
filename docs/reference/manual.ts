/** Writes the manual page introspectd(1) in roff, from the rows of the commands, settings and exit codes. */

import type { Command } from '../../src/cli/command.ts'
import { argumentText, optionText } from '../../src/cli/command-line.ts'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import { type Row, settingRows } from '../../src/config/row.ts'
import { configFile, settings, variableOf } from '../../src/config/settings.ts'
import { capital } from './markdown.ts'

/** Day of the last change of the form of the page. */
const revised = '2026-12-01'

export function manualPage(commands: readonly Command[], version: string): string {
  return [
    `.\\" Made by npm run reference from the tables of commands and settings.`,
    `.TH INTROSPECTD 1 ${revised} "introspectd ${version}" "User Commands"`,
    '.SH NAME',
    'introspectd \\- thresholds and events on processes and threads',
    '.SH SYNOPSIS',
    '.B introspectd',
    '.RI [ command ]',
    '.RI [ argument " ...]"',
    '.RI [ option " ...]"',
    '.SH DESCRIPTION',
    'The command \\fBserve\\fR, which is the default, runs the service.',
    'It observes this machine, and serves processes, threads, their limits,',
    'thresholds and events over HTTP.',
    'The other commands use a running service, or need none.',
    '.SH COMMANDS',
    ...commands.map(commandText),
    '.SH SETTINGS',
    'Each setting is a flag, an environment variable, and a key of the file that',
    '\\fB\\-\\-config\\fR names.',
    'A flag takes precedence over a variable, and a variable over the file.',
    ...[...settings, configFile!].map(settingText),
    '.SH EXIT STATUS',
    ...Object.values(exitCodes).map(({ code, meaning }) => tagged(bold(String(code)), `${capital(meaning)}.`)),
    '.SH EXAMPLES',
    '.EX',
    ...commands.flatMap(({ examples }) => examples.map(escaped)),
    '.EE',
    '.SH SEE ALSO',
    '.BR proc (5),',
    '.BR cgroups (7)',
    '',
  ].join('\n')
}

function commandText({ name, summary, args, options, settings: own }: Command): string {
  const words = settingRows(args)
  const heading = ['introspectd', name, ...words.map(argumentText)].join(' ')
  const flags = own.filter(({ secret, fileOnly }) => !secret && !fileOnly).map(({ key }) => `--${key}`)
  return [
    `.SS ${escaped(heading)}`,
    paragraph(`${capital(summary)}.`),
    ...words.map((row) => tagged(`\\fI${escaped(row.key)}\\fR`, meaning(row))),
    ...settingRows(options).map((row) => tagged(bold(optionText(row)), meaning(row))),
    ...(flags.length === 0 ? [] : ['.PP', paragraph(`Settings: ${[...flags, '--config'].join(', ')}.`)]),
  ].join('\n')
}

function settingText(row: Row): string {
  const flag = row.fileOnly ? row.key : row.secret ? variableOf(row) : `--${row.key}`
  const variable = row.secret || row.fileOnly ? '' : ` (${variableOf(row)})`
  return tagged(`${bold(flag)}${escaped(variable)}`, meaning(row))
}

function meaning({ description, standard }: Row): string {
  const shown = standard === undefined || standard === false ? '' : [standard].flat().join(',')
  return `${description}${shown === '' ? '' : `; default: ${shown}`}.`
}

function tagged(tag: string, text: string): string {
  return `.TP\n${tag}\n${paragraph(text)}`
}

function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`
}

/** Fills lines to the width that mandoc(1) recommends. */
function paragraph(text: string): string {
  const lines: string[] = []
  for (const word of text.split(' ').map(escaped)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length < 80) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.join('\n')
}

/** Writes plain text in roff: characters with a meaning there are escaped, and those beyond ASCII by their number. */
function escaped(text: string): string {
  return text
    .replaceAll('`', '')
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^[.']/, '\\&$&')
    .replace(/[^\x00-\x7f]/gu, (char) => `\\[u${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`)
}

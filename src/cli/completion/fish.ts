/** Writes the completion of commands and flags for fish. */

import type { TypedCommand, TypedFlag } from './vocabulary.ts'

export function fishCompletion(commands: readonly TypedCommand[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  const [standard] = commands
  return `# fish completion for introspectd, made by: introspectd completion fish
function __introspectd_without_command
    not __fish_seen_subcommand_from ${names} help
end
complete -c introspectd -e
complete -c introspectd -f -n __introspectd_without_command
${commands.map(({ name, summary }) => `complete -c introspectd -n __introspectd_without_command -f -a ${name} -d ${quoted(summary)}\n`).join('')}${flagLines('__introspectd_without_command', standard!)}${commands.map(commandLines).join('')}`
}

function commandLines(command: TypedCommand): string {
  const condition = `__fish_seen_subcommand_from ${command.name}`
  const words = command.args.flatMap(({ values }) => values ?? [])
  const hasFiles = command.args.some(({ values }) => values === null)
  const args = words.length === 0 ? '' : ` -a ${quoted(words.join(' '))}`
  const files = hasFiles ? '' : ' -f'
  const own = args === '' && files === '' ? '' : `complete -c introspectd -n ${quoted(condition)}${files}${args}\n`
  return `${own}${flagLines(quoted(condition), command)}`
}

function flagLines(condition: string, { flags }: TypedCommand): string {
  return flags.map((flag) => `complete -c introspectd -n ${condition} ${flagText(flag)}\n`).join('')
}

function flagText({ long, short, summary, values }: TypedFlag): string {
  const letter = short === null ? '' : ` -s ${short}`
  const value = values === undefined ? '' : values === null ? ' -r -F' : ' -x'
  const words = values === undefined || values === null || values.length === 0 ? '' : ` -a ${quoted(values.join(' '))}`
  return `-l ${long}${letter}${value}${words} -d ${quoted(summary)}`
}

/** In single quotes fish reads a backslash and a quote after a backslash as they are. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}

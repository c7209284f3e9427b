/** Writes the completion of commands and flags for zsh. */

import type { TypedArgument, TypedCommand, TypedFlag } from './vocabulary.ts'

export function zshCompletion(commands: readonly TypedCommand[]): string {
  const [standard] = commands
  return `#compdef introspectd
# zsh completion for introspectd, made by: introspectd completion zsh
_introspectd() {
  local curcontext=$curcontext state line
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}\n`).join('')}  )
  # The default command takes its flags without its name.
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe -t commands command commands
    return
  fi
  local command=$words[2]
  if [[ $command == -* ]]; then command=${standard!.name}
  else shift words; (( CURRENT-- )); fi
  case $command in
${commands.map(commandCase).join('')}  esac
}
if [[ $funcstack[1] == _introspectd ]]; then _introspectd "$@"
else compdef _introspectd introspectd; fi
`
}

function commandCase({ name, flags, args }: TypedCommand): string {
  const specs = [...flags.flatMap(flagSpecs), ...args.map(argumentSpec)]
  return `    ${name}) _arguments ${specs.map((spec) => quoted(spec)).join(' ')} ;;\n`
}

function flagSpecs({ long, short, summary, values }: TypedFlag): string[] {
  const rest = `[${escaped(summary)}]${values === undefined ? '' : `:${long}:${actionOf(values)}`}`
  const one = `--${long}${values === undefined ? '' : '='}${rest}`
  return short === null ? [one] : [one, `-${short}${values === undefined ? '' : '+'}${rest}`]
}

function argumentSpec({ name, values, repeats }: TypedArgument): string {
  return `${repeats ? '*' : ''}:${name}:${actionOf(values)}`
}

function actionOf(values: readonly string[] | null): string {
  if (values === null) return '_files'
  return values.length === 0 ? ' ' : `(${values.map(escaped).join(' ')})`
}

function escaped(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

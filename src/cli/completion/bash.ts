/** Writes the completion of commands and flags for bash. */

import type { TypedArgument, TypedCommand, TypedFlag } from './vocabulary.ts'

export function bashCompletion(commands: readonly TypedCommand[]): string {
  const names = commands.map(({ name }) => name)
  const [standard] = names
  return `# bash completion for introspectd, made by: introspectd completion bash
_introspectd() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local command='' word words='' place=0 at
  # bash splits --flag=value into three words.
  [[ $current == = ]] && current=''
  [[ $previous == = ]] && previous=\${COMP_WORDS[COMP_CWORD-2]}
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    if [[ $word == -* ]]; then command=\${command:-${standard}}
    elif [[ -z $command ]]; then command=$word
    elif [[ $word != = && \${COMP_WORDS[at-1]} != [-=]* ]]; then ((place++)); fi
  done
  if [[ -z $command && $current != -* ]]; then
    COMPREPLY=($(compgen -W '${names.join(' ')} help' -- "$current"))
    return
  fi
  case \${command:-${standard}}:$previous in
${commands.flatMap(({ name, flags }) => flags.flatMap((flag) => valueCase(name, flag))).join('')}  esac
  if [[ $current == -* ]]; then
    case \${command:-${standard}} in
${commands.map(({ name, flags }) => `      ${name}) words='${flags.map(({ long }) => `--${long}`).join(' ')}' ;;\n`).join('')}    esac
  else
    case $command:$place in
${commands.flatMap(({ name, args }) => args.flatMap((arg, place) => argumentCase(name, arg, place))).join('')}      *) return ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _introspectd introspectd
`
}

/** The value after a flag. Without a reply bash completes names of files. */
function valueCase(command: string, { long, short, values }: TypedFlag): string[] {
  if (values === undefined) return []
  const patterns = [`${command}:--${long}`, ...(short === null ? [] : [`${command}:-${short}`])].join('|')
  if (values === null) return [`    ${patterns}) return ;;\n`]
  const reply =
    values.length === 0 ? 'compopt +o default' : `COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$current"))`
  return [`    ${patterns}) ${reply}; return ;;\n`]
}

function argumentCase(command: string, { values, repeats }: TypedArgument, place: number): string[] {
  if (values === null || values.length === 0) return []
  return [`      ${command}:${repeats ? '*' : place}) words='${values.join(' ')}' ;;\n`]
}

/** `introspectd completion`: prints the completion of commands and flags for a shell. */

import { z } from 'zod'
import { type Command, defineCommand } from './command.ts'
import { bashCompletion } from './completion/bash.ts'
import { fishCompletion } from './completion/fish.ts'
import { vocabularyOf } from './completion/vocabulary.ts'
import { zshCompletion } from './completion/zsh.ts'
import { print } from './print.ts'

const writers = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

/** @param commands all commands, this one included */
export function completionCommand(commands: () => readonly Command[]): Command {
  return defineCommand({
    name: 'completion',
    summary: 'print the completion of commands and flags for a shell',
    args: { shell: z.enum(['bash', 'zsh', 'fish']).describe('bash, zsh or fish') },
    options: {},
    settings: [],
    examples: [
      'source <(introspectd completion bash)',
      'introspectd completion zsh > ~/.zfunc/_introspectd',
      'introspectd completion fish > ~/.config/fish/completions/introspectd.fish',
    ],
    run: ({ args: { shell }, io }) => print(io, writers[shell](vocabularyOf(commands()))),
  })
}

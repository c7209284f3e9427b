/** Defines the streams, environment variables and signals of a command. Tests pass their own. */

import { environment } from '../config/environment.ts'

/** Standard output. Only a terminal has columns. */
export type CommandOutput = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }

export interface CommandIo {
  readonly stdout: CommandOutput
  readonly stderr: NodeJS.WritableStream
  readonly env: NodeJS.ProcessEnv
  /** Aborted when the command is to end, as by Ctrl-C. */
  readonly endOnSignals: () => AbortController
  readonly setExitCode: (code: number) => void
  /** Sets the name that `ps` shows. */
  readonly setTitle: (title: string) => void
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export const processIo: CommandIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: environment,
  // The first signal ends the command in order; a second one kills the process.
  endOnSignals: () => {
    const ending = new AbortController()
    for (const signal of signals) process.once(signal, () => ending.abort())
    return ending
  },
  setExitCode: (code) => {
    process.exitCode = code
  },
  setTitle: (title) => {
    process.title = title
  },
}

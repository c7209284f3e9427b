/** Defines the streams, environment variables and signals of a command. Tests pass their own. */

import { writeSync } from 'node:fs'
import { environment } from '../config/environment.ts'

/** Standard input. Only a terminal has a raw mode, in which each key arrives at once. */
export type CommandInput = NodeJS.ReadableStream & {
  readonly isTTY?: boolean
  readonly setRawMode?: (isRaw: boolean) => unknown
}

/** Standard output. Only a terminal has a size, and emits `resize`. */
export type CommandOutput = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export interface CommandIo {
  readonly stdin: CommandInput
  readonly stdout: CommandOutput
  readonly stderr: NodeJS.WritableStream
  readonly env: NodeJS.ProcessEnv
  /** Aborted when the command is to end, as by Ctrl-C. */
  readonly endOnSignals: () => AbortController
  /** Emits signals by name, and `exit` and `uncaughtExceptionMonitor` when the process ends. */
  readonly events: NodeJS.EventEmitter
  /** Writes to standard output before it returns: the process may exit before a stream is flushed. */
  readonly writeNow: (text: string) => void
  /** Stops the process as Ctrl-Z does. SIGCONT resumes it. */
  readonly suspend: () => void
  readonly setExitCode: (code: number) => void
  /** Sets the name that `ps` shows. */
  readonly setTitle: (title: string) => void
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The first signal ends the command in order; a second one kills the process. */
export function endOnSignals(events: NodeJS.EventEmitter): AbortController {
  const ending = new AbortController()
  for (const signal of signals) events.once(signal, () => ending.abort())
  return ending
}

export const processIo: CommandIo = {
  // Node opens standard input at the first use, which most commands do not need.
  get stdin() {
    return process.stdin
  },
  stdout: process.stdout,
  stderr: process.stderr,
  env: environment,
  endOnSignals: () => endOnSignals(process),
  events: process,
  writeNow: (text) => {
    writeSync(1, text)
  },
  suspend: () => {
    process.kill(process.pid, 'SIGTSTP')
  },
  setExitCode: (code) => {
    process.exitCode = code
  },
  setTitle: (title) => {
    process.title = title
  },
}

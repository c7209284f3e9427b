/** Runs a command of the command line in the test's own process, which avoids the start-up time of a new one. */

import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { commandsOf } from '../../src/cli/commands.ts'
import { CliError } from '../../src/cli/error.ts'
import type { CommandIo } from '../../src/cli/io.ts'
import { ConfigError } from '../../src/config/error.ts'
import { asyncApi } from '../../src/http/asyncapi.ts'
import { openApi } from '../../src/http/openapi.ts'
import { asOpenApi30 } from '../../src/http/openapi-3-0.ts'
import { StoreError } from '../../src/journal/store.ts'
import { SourceError } from '../../src/sources/source.ts'
import { Waiter } from './until.ts'

const packageFile = new URL('../../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }

const commands = commandsOf({
  // Tests that expect a running service use Live.start; this one serves tests of refused starts.
  serve: async (config, io, file) =>
    (await import('../../src/app/serve.ts')).serve(config, { io, file, version, starting: null }),
  openApi: (form) => (form === '3.0' ? asOpenApi30(openApi(version)) : openApi(version)),
  asyncApi: () => asyncApi(version),
})

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Errors of these classes are printed as one line, as in app/program.ts. */
const refusals = [CliError, ConfigError, SourceError, StoreError]

/** Runs a command line. Errors of those classes are printed; others are thrown. */
export async function exitCodeOf(words: readonly string[], streams: Omit<CommandIo, 'setExitCode'>): Promise<number> {
  let code = 0
  const setExitCode = (given: number) => {
    code = given
  }
  try {
    await runCommandLine({ commands, version }, words, { ...streams, setExitCode })
  } catch (error) {
    if (!refusals.some((refusal) => error instanceof refusal)) throw error
    streams.stderr.write(`introspectd: ${(error as Error).message}\n`)
    return 1
  }
  return code
}

/** The variables of this process and the given ones; undefined removes one. */
export function variablesWith(env: Record<string, string | undefined>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined))
}

interface CommandOptions {
  /** Added to the variables of this process; undefined removes one. */
  readonly env?: Record<string, string | undefined>
}

/** A command that runs until it ends by itself or is stopped. */
export class RunningCommand {
  stdout = ''
  stderr = ''
  /** The exit code. */
  readonly ended: Promise<number>
  readonly #ending = new AbortController()
  readonly #waiter = new Waiter()
  #code: number | null = null

  constructor(words: readonly string[], { env = {} }: CommandOptions = {}) {
    this.ended = this.#run(words, variablesWith(env))
  }

  async #run(words: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
    let code = 0
    const stdout = collector((text) => {
      this.stdout += text
      this.#waiter.wake()
    })
    const stderr = collector((text) => {
      this.stderr += text
      this.#waiter.wake()
    })
    const io = {
      stdin: Readable.from([]),
      stdout,
      stderr,
      env,
      events: new EventEmitter(),
      endOnSignals: () => this.#ending,
      writeNow: (text: string) => {
        stdout.write(text)
      },
      suspend: () => {},
      setTitle: () => {},
    }
    try {
      code = await exitCodeOf(words, io)
    } finally {
      this.#code = code
      this.#waiter.wake()
    }
    return code
  }

  /** @throws Error when the command ends first, or the time is up */
  async until(fits: (command: this) => boolean): Promise<void> {
    const holds = () => {
      if (fits(this)) return true
      if (this.#code !== null) throw new Error(`the command ended: ${this.stderr}`)
      return false
    }
    await this.#waiter.until(holds, () => ({ stdout: this.stdout, stderr: this.stderr }), { what: String(fits) })
  }

  /** Ends the command as a signal would. */
  stop(): Promise<number> {
    this.#ending.abort()
    return this.ended
  }
}

/** Runs a command until it ends. */
export async function runHere(words: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  const command = new RunningCommand(words, options)
  const code = await command.ended
  return { code, stdout: command.stdout, stderr: command.stderr }
}

const collector = (add: (text: string) => void): Writable =>
  new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      add(chunk.toString())
      done()
    },
  })

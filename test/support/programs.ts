/** Compiles the small C programs of `test/programs` and runs them. It stops only programs that it started, by pid. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { registerStarted } from './started.ts'
import { within } from './until.ts'

const sources = new URL('../programs/', import.meta.url)
const build = new URL('../.build/', import.meta.url)

export type Compiler = keyof typeof compilers
const compilers = {
  gcc: ['gcc'],
  'gcc-static': ['gcc', '-static'],
  'gcc-stripped': ['gcc', '-static', '-s'],
  'musl-gcc': ['musl-gcc', '-static'],
} as const

/** Returns the path of the program, and compiles it if necessary. */
export const compile = (name: string, compiler: Compiler = 'gcc'): string => {
  const source = new URL(`${name}.c`, sources).pathname
  const hash = createHash('sha256').update(compiler).update(readFileSync(source)).digest('hex').slice(0, 16)
  // The kernel shows the file name as the name of the process.
  const path = new URL(`${hash}/${name}`, build).pathname
  if (existsSync(path)) return path
  mkdirSync(dirname(path), { recursive: true })
  // Compiled under another name first, so that no other test runs an incomplete program.
  const unfinished = `${path}.${process.pid}`
  const [command, ...flags] = compilers[compiler]
  const args = ['-O0', '-pthread', ...flags, '-o', unfinished, source]
  execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  renameSync(unfinished, path)
  return path
}

export interface Program {
  readonly pid: number
  readonly child: ChildProcess
  /** Resolves with the next line of its output; rejects when there is none. */
  line(): Promise<string>
  /** Writes a line to its standard input. */
  send(text: string): void
  /** Closes its standard input, and kills it after a second; resolves when it has ended. */
  stop(): Promise<void>
}

const commandOf = (name: string, compiler: Compiler): string[] =>
  name.endsWith('.py') ? ['python3', new URL(name, sources).pathname] : [compile(name, compiler)]

/** Starts a program, optionally under a command such as `unshare`, and waits until it prints `ready`. */
export const start = async (
  name: string,
  args: readonly (string | number)[] = [],
  { under = [], compiler = 'gcc' }: { under?: readonly string[]; compiler?: Compiler } = {},
): Promise<Program> => {
  const [command, ...rest] = [...under, ...commandOf(name, compiler), ...args.map(String)]
  const child = spawn(command!, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  registerStarted(child)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let last: string | null = null
  const line = async (): Promise<string> => {
    const next = await within(lines.next(), () => last ?? 'no line', { what: `${name} prints another line` })
    if (next.done) throw new Error(`${name} ended without another line`)
    last = next.value
    return next.value
  }
  child.stdin.on('error', () => {}) // The program may end before it has read everything.
  const stop = async (): Promise<void> => {
    child.stdin.end()
    const timer = setTimeout(() => child.kill('SIGKILL'), 1000)
    await ended
    clearTimeout(timer)
  }
  const first = await line()
  if (first !== 'ready' || child.pid === undefined) throw new Error(`${name} printed ${first} instead of ready`)
  return { pid: child.pid, child, line, send: (text) => void child.stdin.write(`${text}\n`), stop }
}

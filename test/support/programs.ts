/** Compiles the small C programs of `test/programs` and runs them. Only what was started here is ended, by its pid. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
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

/** The path of the program, compiled unless it is there already. */
export const compile = (name: string, compiler: Compiler = 'gcc'): string => {
  const source = new URL(`${name}.c`, sources).pathname
  const hash = createHash('sha256').update(compiler).update(readFileSync(source)).digest('hex').slice(0, 16)
  // Its own name is what the kernel shows of it.
  const path = new URL(`${hash}/${name}`, build).pathname
  if (existsSync(path)) return path
  mkdirSync(dirname(path), { recursive: true })
  // Made under another name first, so that nobody runs half a program.
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
  /** The next line that it prints; rejects when there are no more. */
  line(): Promise<string>
  /** Writes a line to its input. */
  send(text: string): void
  /** Ends its input, then kills it; resolves when it is gone. */
  stop(): Promise<void>
}

const commandOf = (name: string, compiler: Compiler): string[] =>
  name.endsWith('.py') ? ['python3', new URL(name, sources).pathname] : [compile(name, compiler)]

/** Starts a program, under another command such as `unshare` where one is given, and waits until it says `ready`. */
export const start = async (
  name: string,
  args: readonly (string | number)[] = [],
  { under = [], compiler = 'gcc' }: { under?: readonly string[]; compiler?: Compiler } = {},
): Promise<Program> => {
  const [command, ...rest] = [...under, ...commandOf(name, compiler), ...args.map(String)]
  const child = spawn(command!, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let last: string | null = null
  const line = async (): Promise<string> => {
    const next = await within(lines.next(), () => last ?? 'no line', { what: `${name} prints another line` })
    if (next.done) throw new Error(`${name} ended without another line`)
    last = next.value
    return next.value
  }
  child.stdin.on('error', () => {}) // it may end before it has read everything
  const stop = async (): Promise<void> => {
    child.stdin.end()
    const timer = setTimeout(() => child.kill('SIGKILL'), 1000)
    await ended
    clearTimeout(timer)
  }
  const first = await line()
  if (first !== 'ready' || child.pid === undefined) throw new Error(`${name} said ${first}`)
  return { pid: child.pid, child, line, send: (text) => void child.stdin.write(`${text}\n`), stop }
}

/** Runs the real service for tests: a separate process on a free port that observes this machine. */

import { type ChildProcess, spawn } from 'node:child_process'
import { WebSocket } from 'ws'
import { Watcher } from './service.ts'
import { registerStarted } from './started.ts'
import { until, Waiter } from './until.ts'

export const mainFile = new URL('../../src/main.ts', import.meta.url).pathname

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line until it ends. */
export async function run(args: readonly string[], launching: Launching = {}): Promise<Ended> {
  const { child, output } = launch(args, launching)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...output }
}

interface Launching {
  /** Added to the variables of this process; undefined removes one. */
  readonly env?: Record<string, string | undefined>
  /** A command that starts the service, such as `unshare`. */
  readonly under?: readonly string[]
  readonly uid?: number
  /** Replaces the command of this checkout; `cwd` is its working directory. */
  readonly command?: readonly string[]
  readonly cwd?: string
  /** Kills the service while it starts. */
  readonly signal?: AbortSignal
}

/** The service ended before it announced its address. */
export class LiveError extends Error {}

function launch(args: readonly string[], { env = {}, under = [], uid, command, cwd }: Launching = {}) {
  const [program, ...rest] = [...under, ...(command ?? [process.execPath, mainFile]), ...args]
  const child = spawn(program!, rest, {
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid, gid: uid }),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  registerStarted(child)
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString()
  })
  return { child, output }
}

export class Live {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
  readonly url: string
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>

  private constructor(child: ChildProcess, output: { stdout: string; stderr: string }, url: string) {
    this.child = child
    this.output = output
    this.url = url
    this.ended = new Promise((resolve) => child.once('close', resolve))
  }

  static async start(args: readonly string[] = [], launching: Launching = {}): Promise<Live> {
    const { child, output } = launch(['serve', '--port', '0', ...args], launching)
    launching.signal?.addEventListener('abort', () => child.kill('SIGKILL'))
    const changed = new Waiter()
    let isClosed = false
    child.stdout.on('data', changed.wake)
    child.once('close', () => {
      isClosed = true
      changed.wake()
    })
    const url = () => /listens on (\S+)/.exec(output.stdout)?.[1]
    const serves = () => {
      if (isClosed) throw new LiveError(`it did not start: ${output.stderr}`)
      // The last of the three commands ends the announcement.
      return url() !== undefined && /^3\. .*\n {5}.*\n$/m.test(output.stdout)
    }
    await changed.until(serves, () => output, { what: 'the service says that it listens' })
    child.stdout.off('data', changed.wake)
    return new Live(child, output, url()!)
  }

  get pid(): number {
    return this.child.pid!
  }

  async get(path: string): Promise<Record<string, unknown>> {
    return (await (await fetch(`${this.url}${path}`)).json()) as Record<string, unknown>
  }

  async put(path: string, body: unknown): Promise<Record<string, unknown>> {
    const headers = { 'content-type': 'application/json' }
    return (await (
      await fetch(`${this.url}${path}`, { method: 'PUT', headers, body: JSON.stringify(body) })
    ).json()) as Record<string, unknown>
  }

  /** Repeats a GET until the reply matches. @throws Error with the last reply when the time is up */
  until(path: string, fits: (body: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    return until(() => this.get(path), fits, { what: `${path}: ${fits}` })
  }

  async watch(path: string): Promise<Watcher> {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}${path}`)
    const watcher = new Watcher(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve())
      socket.once('error', reject)
    })
    return watcher
  }

  /** Sends a signal and resolves with the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', pid = this.pid): Promise<number | null> {
    process.kill(pid, signal)
    return this.ended
  }
}

/**
 * A long test of the example controllers. Each of the three controllers (TypeScript, Python, shell) supervises programs
 * that misbehave, while the service and the controllers are killed in turn. The flock ends only processes that it
 * started: by pid, and programs by their file in the directory of this run.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '../../src/client/client.ts'
import { Live } from '../support/live.ts'
import { compile } from '../support/programs.ts'
import { check, type Run, type Verdict, type WatchedEvent, watchedTypes } from './check.ts'

const root = new URL('../..', import.meta.url).pathname

/** Time in ms after which each kind of program misbehaves. */
const kinds = { deadlock: 2000, orphan: 3000, fds: 1500, memory: 2500, recursion: 3500, healthy: 0 }

const controllers = ['ts', 'py', 'sh'] as const
type Controller = (typeof controllers)[number]

const programs = controllers.flatMap((controller) => Object.keys(kinds).map((kind) => `${controller}-${kind}`))

export interface Plan {
  readonly ms: number
  /** Time in ms between two kills. */
  readonly everyMs: number
  readonly say: (text: string) => void
}

export class Flock {
  readonly #directory = mkdtempSync(join(tmpdir(), 'introspectd-flock-'))
  readonly #running = new Map<Controller, ChildProcess>()
  #service!: Live
  #starts = 0

  /** Runs the flock. Resolves when every offence before the end of the kills was handled, or after 30 s more. */
  async run({ ms, everyMs, say }: Plan): Promise<{ run: Run; verdict: Verdict; kills: number }> {
    this.#prepare()
    await this.#startService()
    const client = new Client(this.#service.url)
    const { cursor: begin } = await client.get('/sys')
    for (const controller of controllers) this.#startController(controller)
    const kills = await this.#killInTurn({ ms, everyMs, say })
    const { cursor: cutoff } = await client.get('/sys')
    const end = Date.now() + 30_000
    for (;;) {
      const run = await this.#record(client, begin, cutoff)
      const verdict = check(run)
      if (verdict.faults.length === 0 || Date.now() > end) return { run, verdict, kills }
      await delay(500)
    }
  }

  async #killInTurn({ ms, everyMs, say }: Plan): Promise<number> {
    const begun = Date.now()
    const turns = ['service', ...controllers] as const
    let kills = 0
    while (Date.now() + everyMs < begun + ms) {
      await delay(everyMs)
      const turn = turns[kills++ % turns.length]!
      say(`${((Date.now() - begun) / 1000).toFixed(1)} s: kill -9 ${turn}`)
      if (turn === 'service') await this.#restartService()
      else await this.#restartController(turn)
    }
    await delay(Math.max(0, begun + ms - Date.now()))
    return kills
  }

  /** Installs the client as a package, an example controller that imports it, and one link for each program. */
  #prepare(): void {
    const packed = join(this.#directory, 'node_modules/introspectd')
    mkdirSync(packed, { recursive: true })
    execFileSync('npx', ['tsc', '-p', 'tsconfig.client.json', '--outDir', join(packed, 'dist')], { cwd: root })
    copyFileSync(join(root, 'package.json'), join(packed, 'package.json'))
    writeFileSync(join(this.#directory, 'package.json'), '{"type":"module"}')
    copyFileSync(join(root, 'examples/controller.ts'), join(this.#directory, 'controller.ts'))
    const flock = join(this.#directory, 'flock')
    copyFileSync(compile('flock'), flock)
    for (const controller of controllers) {
      const lines = Object.entries(kinds).map(([kind, afterMs]) => {
        const name = `${controller}-${kind}`
        symlinkSync(flock, join(this.#directory, name))
        return `${name} ${join(this.#directory, name)} ${kind} ${afterMs}\n`
      })
      writeFileSync(join(this.#directory, `${controller}.programs`), lines.join(''))
      // A very old cursor: the first reply to each controller is that the cursor is gone.
      const cursorFile = controller === 'sh' ? 'sh.cursor.0' : `${controller}.cursor`
      writeFileSync(join(this.#directory, cursorFile), '00000000000000000001')
    }
  }

  /** Every second start has no --allow-actions, so that the controllers must kill by themselves. */
  async #startService(port: readonly string[] = []): Promise<void> {
    const acts = this.#starts++ % 2 === 0 ? ['--allow-actions'] : []
    this.#service = await Live.start(['--data', join(this.#directory, 'data'), ...acts, ...port])
  }

  async #restartService(): Promise<void> {
    const { port } = new URL(this.#service.url)
    await this.#service.stop('SIGKILL')
    await delay(500)
    await this.#startService(['--port', port])
  }

  #startController(controller: Controller): void {
    const of = (name: string) => join(this.#directory, name)
    const commands: Record<Controller, string[]> = {
      ts: [process.execPath, of('controller.ts')],
      py: ['python3', join(root, 'examples/controller.py')],
      sh: ['bash', join(root, 'examples/controller.sh')],
    }
    const [command, ...args] = commands[controller]
    const files = ['log', 'errors'].map((name) => openSync(of(`${controller}.${name}`), 'a'))
    const child = spawn(
      command!,
      [...args, this.#service.url, of(`${controller}.programs`), of(`${controller}.cursor`)],
      {
        stdio: ['ignore', ...files],
        // A separate process group, so that the helpers of a shell are killed with it.
        detached: true,
      },
    )
    this.#running.set(controller, child)
  }

  async #restartController(controller: Controller): Promise<void> {
    await this.#endController(controller)
    await delay(500)
    this.#startController(controller)
  }

  async #endController(controller: Controller): Promise<void> {
    const child = this.#running.get(controller)
    if (child?.pid === undefined) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    if (child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGKILL')
      await ended
    }
    this.#running.delete(controller)
  }

  async #record(client: Client, begin: string, cutoff: string): Promise<Run> {
    const { body, cursor } = await client.get('/sys/proc')
    const events: WatchedEvent[] = []
    const all = client.watch('/sys', { types: watchedTypes, after: begin })
    // Cause an event after the cursor: when it arrives, the list is complete.
    execFileSync('true')
    for await (const event of all) {
      if (event.type === 'state') throw new Error('the journal is shorter than the run')
      if (event.sequence > cursor) break
      events.push(event)
    }
    const alive = body.entries.filter(({ name }) => programs.includes(name))
    return { events, cutoff, logs: this.#logs(), alive, programs }
  }

  #logs(): Map<Controller, string[]> {
    const textOf = (name: string) => readFileSync(join(this.#directory, name), 'utf8')
    return new Map(controllers.map((controller) => [controller, textOf(`${controller}.log`).split('\n').slice(0, -1)]))
  }

  /** Standard error of a controller. */
  errors(controller: Controller): string {
    return readFileSync(join(this.#directory, `${controller}.errors`), 'utf8')
  }

  /** Ends every process of the flock. @param preserve leaves the directory for inspection */
  async end({ preserve = false } = {}): Promise<void> {
    for (const controller of controllers) await this.#endController(controller)
    for (const pid of this.#strays()) process.kill(pid, 'SIGKILL')
    await this.#service.stop('SIGKILL')
    if (!preserve) rmSync(this.#directory, { recursive: true })
  }

  get directory(): string {
    return this.#directory
  }

  /** Pids of programs that the controllers started. They run from a file in this directory. */
  #strays(): number[] {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    return pids.map(Number).filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/exe`) === join(this.#directory, 'flock')
      } catch {
        return false // the process has ended, or is a kernel thread
      }
    })
  }
}

/** Summarises what each controller received and did, one line each. */
export function controllersText({ logs }: Run, { offences, received }: Verdict): string {
  const lines = [...logs].map(([controller, log]) => {
    const count = (word: string) => log.filter((line) => line.startsWith(`${word} `)).length
    const own = offences.filter(({ name }) => name.startsWith(`${controller}-`))
    const types = Object.entries(Object.groupBy(own, ({ type }) => type)).map(
      ([type, some]) => `${some!.length} ${type}`,
    )
    return `${controller}: received ${received.get(controller)} events, ${types.join(', ')}; started ${count('started')}, killed ${count('killed')}`
  })
  return lines.join('\n')
}

/**
 * Ends the processes that a test run leaves behind, for example after a test that timed out. Every program that tests
 * start inherits a variable with the id of the run. The search for that variable runs after all tests. If the run is
 * killed, a process outside it searches instead.
 */

import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const variable = 'INTROSPECT_TEST_RUN'
/** The process id is equal in both instances of this module: vitest loads its configuration separately. */
const id = String(process.pid)

/** The environment of tests. */
export const runEnvironment = { [variable]: id }

/** vitest calls this before the tests, and what it returns after them. It ends its workers, direct children, itself. */
export default () => {
  const watcher = watchRun(id)
  return (): void => {
    endStarted({ spares: (parent) => parent === process.pid })
    watcher.stdin.end('ended')
  }
}

/** Starts the process that ends everything of the run if its standard input ends without a word. */
export function watchRun(run: string) {
  const script = new URL('run-watcher.ts', import.meta.url).pathname
  return spawn(process.execPath, [script, run], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
    // In a run that a test starts it is not a process of the outer run.
    env: { ...process.env, [variable]: undefined },
  })
}

interface Search {
  /** Default: the run of this process. */
  readonly id?: string
  /** Whether the children of a process are left alone. */
  readonly spares: (parent: number | null) => boolean
}

/** Ends every process that has the variable with the id, and names it. */
export function endStarted({ id: run = id, spares }: Search): void {
  const marker = `${variable}=${run}`
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const { command, parent, environment } = factsOf(pid)
    if (spares(parent) || !environment.split('\0').includes(marker)) continue
    console.error(`this was left running: ${pid} ${command}`)
    end(Number(pid))
  }
}

/** Returns empty values for a process that has ended or belongs to another user. */
function factsOf(pid: string): { command: string; parent: number | null; environment: string } {
  try {
    const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'latin1')
    const parent = /^PPid:\s+(\d+)$/m.exec(read('status'))?.[1]
    return {
      command: read('cmdline').replaceAll('\0', ' ').trim(),
      parent: parent === undefined ? null : Number(parent),
      environment: read('environ'),
    }
  } catch {
    return { command: '', parent: null, environment: '' }
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/**
 * Ends the processes that a test run leaves behind, for example after a test that timed out. Every program that tests
 * start inherits a variable with the id of the run. The search for that variable runs once, after all tests.
 */

import { readdirSync, readFileSync } from 'node:fs'

const variable = 'INTROSPECT_TEST_RUN'
/** The process id is equal in both instances of this module: vitest loads its configuration separately. */
const id = String(process.pid)

/** The environment of tests. */
export const runEnvironment = { [variable]: id }

/** vitest calls this before the tests, and what it returns after them. It ends its workers, direct children, itself. */
export default () => (): void => endStarted({ spares: (parent) => parent === process.pid })

/** Ends every process that has the variable, and names it. */
export function endStarted({ spares }: { readonly spares: (parent: number | null) => boolean }): void {
  const marker = `${variable}=${id}`
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

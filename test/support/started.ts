/** Registers the processes that tests start: they end with the process of the tests, and with a test that fails. */

import type { ChildProcess } from 'node:child_process'

const running = new Set<ChildProcess>()
let onFailure: (end: () => void) => void = () => {}

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export function registerStarted(child: ChildProcess): void {
  running.add(child)
  child.once('exit', () => running.delete(child))
  onFailure(() => child.kill('SIGKILL'))
}

/** Sets the function that is given, for each process, what ends it. Outside vitest there is none. */
export function endOnFailure(register: (end: () => void) => void): void {
  onFailure = register
}

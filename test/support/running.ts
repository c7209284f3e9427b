/** Starts programs that are stopped after the test. */

import { afterEach } from 'vitest'
import { type Program, start } from './programs.ts'

const running: Program[] = []

/** Like `start`, but the program is stopped after the test. */
export async function startForTest(...args: Parameters<typeof start>): Promise<Program> {
  const program = await start(...args)
  running.push(program)
  return program
}

/** Stops them before the end of the test. */
export const endAll = (): Promise<unknown> => Promise.all(running.splice(0).map((program) => program.stop()))

afterEach(async () => {
  await endAll()
})

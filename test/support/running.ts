/** Programs that run during one test, and end with it. */

import { afterEach } from 'vitest'
import { type Program, start } from './programs.ts'

const running: Program[] = []

/** As `start`; ended after the test. */
export async function startForTest(...args: Parameters<typeof start>): Promise<Program> {
  const program = await start(...args)
  running.push(program)
  return program
}

/** Before the test is over. */
export const endAll = (): Promise<unknown> => Promise.all(running.splice(0).map((program) => program.stop()))

afterEach(async () => {
  await endAll()
})

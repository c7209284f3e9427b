/** Tests that the types of the client accept and refuse the programs in typed.ts. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = new URL('../..', import.meta.url).pathname

test('requests and replies are typed by their pathname, in programs with only the types of browsers', async () => {
  // Lines that must not compile are marked with @ts-expect-error, which is itself an error if the line compiles.
  const compile = promisify(execFile)('npx', ['tsc', '-p', 'test/client/tsconfig.json'], { cwd: root })
  await expect(compile).resolves.toEqual({ stdout: '', stderr: '' })
})

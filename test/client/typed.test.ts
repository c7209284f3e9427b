import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = new URL('../..', import.meta.url).pathname

test('what the client is asked is typed by the paths, in programs that know only what browsers have', async () => {
  // Those that must not compile are marked, and a mark on what compiles is an error too.
  const compile = promisify(execFile)('npx', ['tsc', '-p', 'test/client/tsconfig.json'], { cwd: root })
  await expect(compile).resolves.toEqual({ stdout: '', stderr: '' })
})

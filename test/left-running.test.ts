/** Tests that a run leaves no process behind: neither a test that fails, nor a run that is killed. */

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { until } from './support/until.ts'

const root = new URL('..', import.meta.url).pathname
// Below the project, so that the tests of the inner run find vitest.
const folder = mkdtempSync(join(root, 'test/.build/left-'))
const pidFile = join(folder, 'pid')

afterAll(() => rmSync(folder, { recursive: true }))

/** Starts a run of one test that starts a service, writes its pid, and then does this. */
function innerRun(then: string) {
  rmSync(pidFile, { force: true })
  writeFileSync(
    join(folder, 'inner.test.ts'),
    `import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Live } from '${root}test/support/live.ts'
test('one', async () => {
  const live = await Live.start(['--source', 'model'])
  writeFileSync('${pidFile}', String(live.pid))
  ${then}
})
test('two', async () => {
  writeFileSync('${join(folder, 'alive')}', '')
  await new Promise(() => {})
})
`,
  )
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    `import { runEnvironment } from '${root}test/support/end-leftovers.ts'
export default { test: {
  include: ['inner.test.ts'], root: '${folder}', testTimeout: 120_000,
  globalSetup: ['${root}test/support/end-leftovers.ts'], setupFiles: ['${root}test/support/end-with-tests.ts'],
  env: { ...runEnvironment, INTROSPECTD_DATA: 'memory' },
} }
`,
  )
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const config = join(folder, 'vitest.config.ts')
  return spawn(process.execPath, [vitest, 'run', '--config', config], { cwd: folder, stdio: 'ignore' })
}

const started = () =>
  until(
    () => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0),
    (pid) => pid > 0,
  )
const isGone = (pid: number) =>
  until(
    () => existsSync(`/proc/${pid}`),
    (exists) => !exists,
  )

test.each([
  ['a failing test ends its service, while the run goes on', 'expect(1).toBe(2)', 'SIGKILL'],
  ['a run that is killed ends its services', 'await new Promise(() => {})', 'SIGKILL'],
  ['a run that is terminated ends its services', 'await new Promise(() => {})', 'SIGTERM'],
] as const)('%s', async (_what, then, signal) => {
  const run = innerRun(then)
  const ended = new Promise((resolve) => run.once('close', resolve))
  try {
    const pid = await started()
    if (then.startsWith('expect')) {
      await isGone(pid)
      expect(run.exitCode).toBe(null)
    } else {
      run.kill(signal)
      await isGone(pid)
    }
  } finally {
    run.kill('SIGKILL')
    await ended
  }
})

/** Tests commands whose output cannot be written: a full disk, and a reader that has gone. Also the exit codes. */

import { spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import { mainFile, run } from '../support/live.ts'
import { registerStarted } from '../support/started.ts'
import { until } from '../support/until.ts'

const ending: (() => void)[] = []

afterEach(() => {
  for (const end of ending.splice(0)) end()
})

/** Runs a shell line in which "$@" is the command. */
const through = (line: string) => ['bash', '-c', `set -o pipefail; ${line}`, 'bash']

test.each([[['--version']], [['ps', '--help']], [['openapi']], [['simulate', 'scenarios/two-lock-deadlock.yaml']]])(
  'on a full disk %j ends with status 1 and one line',
  async (words) => {
    expect(await run(words, { under: through('"$@" >/dev/full') })).toEqual({
      code: exitCodes.failed.code,
      stdout: '',
      stderr: 'introspectd: cannot write the output: no space left on device\n',
    })
  },
)

test('a reader that takes one line and goes is no error', async () => {
  const { code, stdout, stderr } = await run(['openapi'], { under: through('"$@" | head -1') })
  expect([code, stdout, stderr]).toEqual([exitCodes.done.code, expect.stringMatching(/^openapi: .*\n$/), ''])
})

test('an error whose line cannot be written has its status all the same', async () => {
  expect(await run(['nothing'], { under: through('"$@" 2>/dev/full') })).toEqual({ code: 1, stdout: '', stderr: '' })
})

test('a service whose log and output are on a full disk runs on', async () => {
  const port = await freePort()
  const args = ['serve', '--source', 'model', '--data', 'memory', '--port', String(port), '--log-level', 'debug']
  const child = spawn('bash', ['-c', 'exec "$@" >/dev/full 2>&1', 'bash', process.execPath, mainFile, ...args], {
    stdio: 'ignore',
  })
  registerStarted(child)
  ending.push(() => child.kill('SIGKILL'))
  const status = async () => (await fetch(`http://127.0.0.1:${port}/livez`).catch(() => null))?.status ?? null
  await until(status, (found) => found === 200 || child.exitCode !== null)
  for (let count = 0; count < 20; count++) expect(await status()).toBe(200)
  expect(child.exitCode).toBeNull()
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

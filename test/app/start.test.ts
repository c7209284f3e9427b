/** Tests starting the service: announced addresses, wrong settings, and one-line errors. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Ended, runHere } from '../support/command-line.ts'
import { Live, run } from '../support/live.ts'

const file = (text: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'introspectd-')), 'tokens')
  writeFileSync(path, text)
  return path
}

const good = 'ha-1 control 0123456789abcdef\n'

test.each([
  [['--colour', 'red'], /colour/],
  [['--port', 'many'], /--port/],
  [['--port', '70000'], /--port/],
  [['--period', '1'], /--period/],
  [['--source', 'tarot'], /--source/],
  [['dance'], /no command dance/],
  [['serve', 'extra'], /extra/],
  [['--token-file', '/nowhere'], /--token-file \/nowhere/],
  [['--scenario', 'x.yaml'], /--scenario needs --source model/],
  [['--source', 'model', '--scenario', '/nowhere.yaml'], /--scenario \/nowhere.yaml/],
  [['--source', 'model', '--clock', 'real', '--scenario', '/nowhere.yaml'], /--clock virtual/],
  [['--state', 'x.json'], /--state needs --source model/],
  [['--source', 'model', '--state', '/nowhere.json'], /--state \/nowhere.json: ENOENT/],
  [['--source', 'model', '--state', file('{"path":"/sys/state"}')], /--state .*: \/version: only a state of version 3/],
  [['--source', 'model', '--state', file('{')], /--state .*: it is not JSON/],
  [['--source', 'model', '--clock', 'real', '--state', '/nowhere.json'], /--clock virtual/],
  [['--host', 'unix:/x', '--tls-cert', 'c', '--tls-key', 'k'], /--tls-cert needs an address in --host/],
  [['--host', '127.0.0.1', '--token-file', file('a read uid:5')], /"uid:" and "gid:" need a unix socket/],
  [['--base-path', '/sys/x'], /--base-path \/sys\/x: the service itself has this path/],
  [['--base-path', '/livez'], /--base-path \/livez: the service itself/],
  [['--pools', 'channels=5'], /--pools needs --source model/],
  [['--source', 'model', '--pools', 'chanels=5'], /there is no chanels; did you mean channels\?/],
])('%j is refused with one clear line and exit code 1', async (args, reason) => {
  expectRefusal(await runHere(args), reason)
})

// These fail after part of the service has started, so they need processes of their own.
test('a start that fails half way is refused with one clear line and exit code 1', async () => {
  expectRefusal(await run(['--host', '0.0.0.0', '--port', '0']), /loopback.*--token-file/)
  expectRefusal(await run(['--proc-root', '/nowhere', '--port', '0']), /\/nowhere/)
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as { port: number }
  const { code, stderr } = await run(['--port', String(port)])
  taken.close()
  expect([code, stderr]).toEqual([1, `introspectd: port ${port} on 127.0.0.1 is in use; choose another with --port\n`])
})

function expectRefusal({ code, stdout, stderr }: Ended, reason: RegExp): void {
  expect(stderr).toMatch(reason)
  expect(stderr).toMatch(/^introspectd: .*\n$/)
  expect([code, stdout]).toEqual([1, ''])
}

test('settings from the environment apply, and unknown variables are refused', async () => {
  expect(await runHere([], { env: { INTROSPECTD_PORT: 'x' } })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--port'),
  })
  expect(await runHere([], { env: { INTROSPECTD_PROT: '1' } })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('INTROSPECTD_PROT'),
  })
})

test('a flag with several values may be given several times', async () => {
  const flags = ['--host', '127.0.0.1', '--host', 'unix:/run/x.sock', '--allow-host', 'a', '--allow-host', 'b,c']
  const { stdout } = await runHere(['config', ...flags])
  expect(stdout).toContain('host: 127.0.0.1,unix:/run/x.sock # --host\n')
  expect(stdout).toContain('allow-host: ["a","b","c"] # --allow-host\n')
})

test('--help lists every flag, and --version prints the version of the package', async () => {
  const help = await runHere(['--help'])
  expect(help).toMatchObject({ code: 0, stderr: '' })
  for (const flag of ['--port', '--token-file', '--period', '--allow-host', '--proc-root'])
    expect(help.stdout).toContain(flag)
  expect((await runHere(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('with a token file it listens beyond loopback, requires a token, and ends on SIGINT with exit code 0', async () => {
  const live = await Live.start(['--host', '0.0.0.0', '--token-file', file(good)])
  const url = live.url.replace('0.0.0.0', '127.0.0.1')
  expect((await fetch(`${url}/sys`)).status).toBe(401)
  expect((await fetch(`${url}/sys`, { headers: { authorization: 'Bearer 0123456789abcdef' } })).status).toBe(200)
  const [, command = ''] = /^2\. .*\n {5}(.*)$/m.exec(live.output.stdout) ?? []
  const printed = spawnSync('sh', ['-c', command], { encoding: 'utf8' })
  expect(printed.stdout).toContain('"path": "/sys/fds/threshold/hog"')
  expect(live.output.stdout).not.toContain('0123456789abcdef')
  expect(await live.stop('SIGINT')).toBe(0)
})

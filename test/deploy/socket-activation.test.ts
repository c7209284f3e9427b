/** Tests a service that systemd starts at the first connection, with the sockets that systemd has opened. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { Client } from '../../src/client/client.ts'
import { mainFile } from '../support/live.ts'
import { registerStarted } from '../support/started.ts'
import { until } from '../support/until.ts'

const directory = mkdtempSync(join(tmpdir(), 'introspectd-activation-'))
const socketPath = join(directory, 'x.sock')
let activator: ChildProcess
let output: string

afterEach(async () => {
  if (activator.exitCode === null && activator.kill('SIGTERM')) await once(activator, 'exit')
})
afterAll(() => rmSync(directory, { recursive: true }))

/** Opens the sockets. The first connection starts the service in place of the activator. */
async function activate(...sockets: readonly string[]): Promise<void> {
  const service = [process.execPath, mainFile, 'serve', '--source', 'model', '--data', 'memory']
  const listen = sockets.flatMap((socket) => ['--listen', socket])
  output = ''
  activator = spawn('systemd-socket-activate', [...listen, ...service], { stdio: ['ignore', 'pipe', 'pipe'] })
  registerStarted(activator)
  for (const stream of [activator.stdout!, activator.stderr!])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  await until(
    () => output.match(/Listening on/g)?.length ?? 0,
    (count) => count === sockets.length,
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

test('the first connection starts the service, which then serves every socket', async () => {
  const port = await freePort()
  await activate(socketPath, `127.0.0.1:${port}`)
  const local = new Client(`unix:${socketPath}`, { timeoutMs: 30_000 })
  expect((await local.get('/sys')).status).toBe(200)
  expect((await new Client(`http://127.0.0.1:${port}`).get('/sys')).status).toBe(200)
  expect(output).toContain(`listens on http://127.0.0.1:${port} and unix:${socketPath}\n`)
  activator.kill('SIGTERM')
  expect(await once(activator, 'exit')).toEqual([0, null])
  // The socket belongs to systemd, which listens on while the service does not run.
  expect(statSync(socketPath).isSocket()).toBe(true)
})

test('a socket that clients of other machines reach needs tokens', async () => {
  const port = await freePort()
  await activate(`0.0.0.0:${port}`)
  await fetch(`http://127.0.0.1:${port}/`).catch(() => {})
  if (activator.exitCode === null) await once(activator, 'exit')
  expect([activator.exitCode, output]).toEqual([1, expect.stringContaining('0.0.0.0 is not a loopback address')])
})

/**
 * Tests webhooks of a whole service against a receiver that fails half of the time and is killed, and kills of the
 * service itself: nothing is lost, and what arrives twice has the same id and the same bytes.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseSecrets, signatureHeaders } from '../../src/reactions/signature.ts'
import { Live } from '../support/live.ts'
import type { CloudEvent } from '../support/service.ts'
import { registerStarted } from '../support/started.ts'
import { until } from '../support/until.ts'

const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`

interface Received {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

let directory: string
let service: Live | null = null
let receiver: ChildProcess | null = null
let port = 0

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-webhooks-'))
  port = await freePort()
})

afterEach(async () => {
  await service?.stop('SIGKILL')
  service = null
  receiver?.kill('SIGKILL')
  rmSync(directory, { recursive: true })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port: free } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return free
}

function startReceiver(seed: number): void {
  const program = new URL('receiver.ts', import.meta.url).pathname
  receiver = spawn(process.execPath, [program, String(port), join(directory, 'received'), String(seed)])
  registerStarted(receiver)
}

async function killReceiver(): Promise<void> {
  const ended = new Promise((resolve) => receiver!.once('exit', resolve))
  receiver!.kill('SIGKILL')
  await ended
}

function received(path: string): Received[] {
  const file = join(directory, 'received')
  if (!existsSync(file)) return []
  // A kill may cut the last line.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Received).filter(({ url }) => url === path)
}

function configure(webhooks: object[]): string[] {
  const config = join(directory, 'introspectd.yaml')
  writeFileSync(config, JSON.stringify({ webhooks }))
  return ['--source', 'model', '--data', join(directory, 'data'), '--config', config]
}

async function create(count: number): Promise<void> {
  const lines = Array.from({ length: count }, () => JSON.stringify({ call: 'create', name: 'p' })).join('\n')
  const headers = { 'content-type': 'application/x-ndjson' }
  await (await fetch(`${service!.url}/sys/calls`, { method: 'POST', headers, body: lines })).text()
}

const retries = { 'retry-first': '5ms', 'retry-most': '40ms' }

function idsOf(bodies: readonly CloudEvent[]): string[] {
  return [...new Set(bodies.map(({ id }) => id))]
}

test('nothing is lost while the receiver fails half of the time, and receiver and service are killed', async () => {
  const settings = configure([
    { name: 'one', url: `http://127.0.0.1:${port}/one`, types: ['process.created'], secret, ...retries },
    {
      name: 'many',
      url: `http://127.0.0.1:${port}/many`,
      types: ['process.*'],
      format: 'batched',
      batch: 7,
      ...retries,
    },
  ])
  service = await Live.start(settings)
  startReceiver(1)
  for (let round = 1; round <= 4; round++) {
    await create(40)
    await until(
      () => received('/one').length,
      (count) => count >= round * 15,
      { msMax: 20_000 },
    )
    await killReceiver()
    if (round === 2) {
      await service.stop('SIGKILL')
      service = await Live.start(settings)
    }
    startReceiver(round + 1)
  }
  const sent = (await service.get('/events?types=process.created&limit=1000')).events as CloudEvent[]
  expect(sent).toHaveLength(160)
  const one = () => received('/one').map(({ body }) => JSON.parse(body) as CloudEvent)
  const many = () => received('/many').flatMap(({ body }) => JSON.parse(body) as CloudEvent[])
  for (const arrived of [one, many])
    await until(
      () => idsOf(arrived()).length,
      (count) => count === 160,
    )
  // The first arrivals are in order, and equal the events of the journal.
  for (const arrived of [one(), many()]) {
    expect(idsOf(arrived)).toEqual(sent.map(({ id }) => id))
    const byId = new Map(sent.map((event) => [event.id, event]))
    for (const event of arrived) expect(event).toEqual(byId.get(event.id))
  }
  for (const { headers, body } of received('/one')) {
    const id = headers['webhook-id']!
    expect(id).toBe((JSON.parse(body) as CloudEvent).id)
    expect(headers['content-type']).toMatch(/^application\/cloudevents\+json/)
    const timestamp = Number(headers['webhook-timestamp'])
    expect(headers).toMatchObject(signatureHeaders(parseSecrets(secret), { id, timestamp, body }))
  }
  const [batch] = received('/many')
  expect(batch!.headers['content-type']).toMatch(/^application\/cloudevents-batch\+json/)
  expect(batch!.headers).not.toHaveProperty('webhook-signature')
  const ready = await (await fetch(`${service.url}/readyz?verbose`)).text()
  expect(ready).toMatch(/^\[\+\] webhook one: \d+ delivered, 0 events behind, \d+ failures, 0 dead letters$/m)
  expect(ready).not.toContain(String(port))
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  expect(metrics).toMatch(/^introspectd_reaction_behind\{kind="webhook",name="many"\} 0$/m)
})

test('an event that is refused is in the file of dead letters, and a route that is new begins with new events', async () => {
  const settings = configure([
    { name: 'a', url: `http://127.0.0.1:${port}/refuse`, types: ['process.created'], ...retries },
  ])
  service = await Live.start(settings)
  startReceiver(1)
  await create(1)
  const file = join(directory, 'data', 'dead-letters.ndjson')
  const letters = () => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  await until(letters, (text) => text.endsWith('\n'))
  const [line] = letters().split('\n')
  expect(JSON.parse(line!)).toMatchObject({
    reaction: 'webhook a',
    reason: 'HTTP 422',
    attempts: expect.toSatisfy((attempts: number) => attempts >= 5),
    event: { type: 'process.created', subject: '/sys/proc/1' },
  })
  await service.stop()
  // Another name is another route, and the former one is forgotten.
  service = await Live.start(
    configure([
      { name: 'b', url: `http://127.0.0.1:${port}/one`, types: ['process.created', 'state.replaced'], ...retries },
    ]),
  )
  await until(
    () => received('/one').length,
    (count) => count > 0,
  )
  const arrived = received('/one').map(({ body }) => (JSON.parse(body) as CloudEvent).type)
  expect(new Set(arrived)).toEqual(new Set(['state.replaced']))
})

test('a route that cannot work as configured keeps the service from starting', async () => {
  const settings = configure([
    { name: 'a', url: `http://127.0.0.1:${port}/one`, 'secret-file': join(directory, 'none') },
  ])
  await expect(Live.start(settings)).rejects.toThrow(/introspectd: webhooks: a: ENOENT/)
})

/** Tests SIGTERM with many open streams: every event is sent and persisted within the grace period. */

import { mkdtempSync, rmSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cursorText } from '../../src/base/cursor.ts'
import { journalFile } from '../../src/journal/data-directory.ts'
import { Live } from '../support/live.ts'
import type { Watcher } from '../support/service.ts'
import { until } from '../support/until.ts'

const each = 500
const silent = 20
const events = 100

let data: string
let live: Live | null
let sockets: Socket[]

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'introspectd-closing-'))
  live = null
  sockets = []
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await live?.stop('SIGKILL')
  rmSync(data, { recursive: true })
})

/** Resolves when the stream has started; `ended` resolves with everything that was received. */
async function listenOverSse(url: string): Promise<{ ended: Promise<string> }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${url}/sys`, { headers: { accept: 'text/event-stream' }, agent: false }, resolve).once('error', reject)
  })
  let text = ''
  response.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return { ended: new Promise((resolve) => response.once('end', () => resolve(text))) }
}

const overSse = ['accept: text/event-stream']
const overWebSocket = [
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
]

/** Opens a stream and never reads from it, not even its end. */
async function ignore(url: string, headers: readonly string[]): Promise<void> {
  const { host, port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  sockets.push(socket)
  socket.pause()
  const request = ['GET /sys HTTP/1.1', `host: ${host}`, ...headers, '', ''].join('\r\n')
  await new Promise<void>((resolve) => socket.write(request, () => resolve()))
}

async function untilOpen(count: number): Promise<void> {
  const ready = async () => (await fetch(`${live!.url}/readyz?verbose`)).text()
  await until(ready, (text) => text.includes(`streams: ${count} open`), { everyMs: 0, msMax: 120_000 })
}

test('a thousand streams each receive a bookmark and their end, the journal is complete, and the exit code is 0', async () => {
  live = await Live.start(['--source', 'model', '--data', data])
  const { url } = live
  const watchers: Watcher[] = []
  const listeners: { ended: Promise<string> }[] = []
  for (let count = 0; count < each; count++) {
    watchers.push(await live.watch('/sys'))
    listeners.push(await listenOverSse(url))
  }
  for (let count = 0; count < silent; count++) await ignore(url, count % 2 === 0 ? overSse : overWebSocket)
  await untilOpen(2 * each + silent)
  const names = Array.from({ length: events }, (_, place) => `p${place}`)
  const line = (name: string) => JSON.stringify({ name })
  for (const name of names)
    await fetch(`${url}/sys/proc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: line(name),
    })
  const began = performance.now()
  const code = await live.stop('SIGTERM')
  live = null
  const seconds = (performance.now() - began) / 1000
  expect(code).toBe(0)
  // TimeoutStopSec of the systemd unit. After it systemd would kill the service.
  expect(seconds).toBeLessThan(10)
  // Two events for each process: its own and that of its thread.
  const last = cursorText(2 * names.length)
  for (const watcher of watchers) {
    expect(await watcher.closed).toEqual({ code: 1001, reason: 'the service is shutting down' })
    expect(watcher.events.at(-1)).toMatchObject({ type: 'bookmark', data: { cursor: last } })
    expect(watcher.events.filter(({ type }) => type === 'process.created')).toHaveLength(names.length)
  }
  for (const { ended } of listeners) {
    const text = await ended
    expect(text).toMatch(
      new RegExp(`id: ${last}\\ndata: \\{[^\\n]*"bookmark"[^\\n]*\\}\\n\\n: the service is shutting down\\n\\n$`),
    )
    expect(text.match(/"type":"process\.created"/g)).toHaveLength(names.length)
  }
  const db = new DatabaseSync(journalFile(data), { readOnly: true })
  expect(db.prepare('SELECT count(*) AS count, max(sequence) AS last FROM events').get()).toEqual({
    count: 2 * names.length,
    last: 2 * names.length,
  })
  db.close()
}, 180_000)

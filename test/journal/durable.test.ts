/** Tests durable subscriptions of a whole service across restarts. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Live } from '../support/live.ts'

let directory: string
let live: Live

const begin = async () => {
  live = await Live.start(['--data', directory, '--source', 'model'])
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-durable-'))
  await begin()
})

afterEach(async () => {
  await live.stop('SIGKILL')
  rmSync(directory, { recursive: true })
})

const send = (method: string, path: string, body?: object) =>
  fetch(`${live.url}${path}`, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })

const create = (name: string) => send('POST', '/sys/proc', { name })

const restart = async () => {
  await live.stop('SIGKILL')
  await begin()
}

test('after a kill a subscription continues at its acknowledged cursor, and a deleted one is gone', async () => {
  const first = await live.watch('/sys?types=process.created&durable=ha-1')
  const other = await live.watch('/sys?durable=ha-2')
  for (const name of ['one', 'two', 'three']) await create(name)
  const events = await first.until(3)
  await send('PUT', '/subscriptions/ha-1', { cursor: events[1]!.id })
  await send('DELETE', '/subscriptions/ha-2')
  await other.closed
  await restart()
  const subscriptions = await live.get('/subscriptions')
  expect(subscriptions).toMatchObject({
    entries: [{ name: 'ha-1', cursor: events[1]!.id, gone: false, connected: false }],
  })
  expect(subscriptions).toHaveProperty('entries.0.kept', 'journal')
  await create('four')
  const again = await live.watch('/sys?types=process.created&durable=ha-1')
  expect((await again.until(2)).map(({ data }) => data.name)).toEqual(['three', 'four'])
})

test('a subscription that was never acknowledged begins again at its initial cursor', async () => {
  const before = (await send('GET', '/sys')).headers.get('introspect-cursor')
  await live.watch('/sys?durable=ha-1')
  await create('one')
  await restart()
  expect(await live.get('/subscriptions/ha-1')).toMatchObject({ cursor: before, acknowledged: null })
  const again = await live.watch('/sys?durable=ha-1&types=process.created')
  expect(await again.until(1)).toMatchObject([{ data: { name: 'one' } }])
})

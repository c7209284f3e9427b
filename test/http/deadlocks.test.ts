/** Deadlocks over HTTP: the list and its entries, as JSON and as text. */

import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DeadlockView } from '../../src/tree/deadlock-views.ts'
import { ModelService } from '../support/model-service.ts'

let service: ModelService

beforeEach(async () => {
  service = await new ModelService().start()
})

afterEach(() => service.stop())

const run = (name: string) =>
  service.fetch('/sys/scenario', {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body: readFileSync(new URL(`../../scenarios/${name}.yaml`, import.meta.url)),
  })

const textOf = async (path: string): Promise<string> => (await service.fetch(`${path}?format=text`)).text()

test('without a deadlock the list is empty, and the text says so', async () => {
  expect((await service.get('/sys/deadlocks')).body).toEqual({ path: '/sys/deadlocks', entries: [], next: null })
  expect(await textOf('/sys/deadlocks')).toBe('No deadlock among the 0 threads that could be read.\n')
})

test('a deadlock is shown with its members, victims and closing wait, under the sequence of its event', async () => {
  await run('two-lock-deadlock')
  const { entries } = (await service.get('/sys/deadlocks')).body as { entries: DeadlockView[] }
  expect(entries.map(({ path, kind }) => [path, kind])).toEqual([['/sys/deadlocks/10', 'detected']])
  const { body } = await service.get('/sys/deadlocks/10')
  expect(body).toEqual(entries[0])
  expect(DeadlockView.parse(body)).toMatchObject({
    id: 10,
    closing: { what: 'blocked', thread: '/sys/proc/1/thread/2', state: 'MUTEX', call: 'SyncMutexLock' },
    members: [{ name: 'main', object: 'b', owner: '/sys/proc/1/thread/2' }, { name: 'second' }],
    victims: [],
  })
})

test('the text says which thread waits for which object, its owner, since when, and who waits behind', async () => {
  await run('two-lock-deadlock')
  await service.post('/sys/proc/1/thread', { name: 'late' })
  await service.post('/sys/proc/1/thread/3/call', { call: 'SyncMutexLock', mutex: 'a' })
  const words = `Deadlock 10: 2 threads wait for one another and can never run again.
  since 1970-01-01T00:00:00.011Z, when /sys/proc/1/thread/2 blocked in MUTEX, by SyncMutexLock
  /sys/proc/1/thread/1 (main) waits for mutex b, which /sys/proc/1/thread/2 has, since 1970-01-01T00:00:00.011Z
  /sys/proc/1/thread/2 (second) waits for mutex a, which /sys/proc/1/thread/1 has, since 1970-01-01T00:00:00.011Z
  1 other thread waits behind:
    /sys/proc/1/thread/3 (late) waits for mutex a, which /sys/proc/1/thread/1 has, since 1970-01-01T00:00:00.011Z
`
  expect(await textOf('/sys/deadlocks/10')).toBe(words)
  expect(await textOf('/sys/deadlocks')).toBe(words)
})

test('orphans, joins and messages have their own wording', async () => {
  await run('dead-owner')
  await run('join-loop')
  await run('send-loop')
  const words = await textOf('/sys/deadlocks')
  expect(words).toContain('a thread waits for what nobody can ever release')
  expect(words).toMatch(/main\) waits for \/sys\/proc\/\d+\/thread\/2 to end, since/)
  expect(words).toMatch(
    /has sent to \/sys\/proc\/\d+\/channel\/1, where any thread of \/sys\/proc\/\d+ may receive, since/,
  )
})

test('an orphan is shown with the ended owner of its mutex, wherever it appears', async () => {
  await run('dead-owner')
  const { entries } = (await service.get('/sys/deadlocks')).body as { entries: DeadlockView[] }
  const [{ path, members }] = entries as [DeadlockView]
  expect(members).toMatchObject([{ owner: '/sys/proc/1/thread/2', ownerState: 'DEAD' }])
  const words = '(main) waits for mutex log, which /sys/proc/1/thread/2 had when it ended, since 1970'
  for (const place of [path, '/sys/deadlocks', '/sys/wait', '/sys/proc/1/thread/1/wait'])
    expect([place, await textOf(place)]).toEqual([place, expect.stringContaining(words)])
})

test('an id without a deadlock is 404, and the problem names the list', async () => {
  await run('two-lock-deadlock')
  for (const id of ['11', '010', 'x', '0', '-1', '1e3', '99999999999999999999']) {
    const { status, body } = await service.get(`/sys/deadlocks/${id}`)
    expect([id, status, (body as { detail: string }).detail]).toEqual([
      id,
      404,
      expect.stringContaining('/sys/deadlocks'),
    ])
  }
})

/** Histories of usage over HTTP, of the model on a virtual clock. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { ModelService } from '../support/model-service.ts'

let service: ModelService

beforeEach(async () => {
  service = await new ModelService().start()
})

afterEach(() => service.stop())

const advance = (by: string) =>
  service.fetch('/sys/clock', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ advance: by }),
  })

const spawn = () =>
  service.fetch('/sys/proc', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'p' }),
  })

test('usage of the system is recorded by intervals, and a counted value fills the time between calls', async () => {
  await spawn()
  await advance('35s')
  await spawn()
  const { body } = await service.get('/sys/processes/history')
  expect(body).toEqual({
    path: '/sys/processes/history',
    limit: 'processes',
    unit: 'count',
    every: '10s',
    keep: '3600s',
    kept: true,
    entries: [
      { start: '1970-01-01T00:00:00.000Z', minimum: 0, maximum: 1, last: 1 },
      { start: '1970-01-01T00:00:10.000Z', minimum: 1, maximum: 1, last: 1 },
      { start: '1970-01-01T00:00:20.000Z', minimum: 1, maximum: 1, last: 1 },
      { start: '1970-01-01T00:00:30.000Z', minimum: 1, maximum: 1, last: 1 },
    ],
  })
})

test('since is a time or a duration before now', async () => {
  await spawn()
  await advance('35s')
  const startsOf = async (since: string) =>
    ((await service.get(`/sys/processes/history?since=${since}`)).body as { entries: { start: string }[] }).entries.map(
      ({ start }) => start.slice(17, 19),
    )
  expect(await startsOf('10s')).toEqual(['20', '30'])
  expect(await startsOf('1970-01-01T00:00:30Z')).toEqual(['30'])
  expect(await startsOf('1970-01-02T00:00:00Z')).toEqual([])
})

test.each(['yesterday', '2026', '', '10'])('since=%j is refused', async (since) => {
  const { status, body } = await service.get(`/sys/processes/history?since=${since}`)
  expect([status, body]).toMatchObject([400, { detail: expect.stringContaining('since: expected a time such as') }])
})

test('since is refused where there is no history', async () => {
  expect((await service.get('/sys/processes?since=10s')).status).toBe(400)
})

test('a limit without a history says why', async () => {
  await spawn()
  const { body } = await service.get('/sys/proc/1/threads/history')
  expect(body).toMatchObject({ kept: false, why: expect.stringContaining('set a threshold'), entries: [] })
  expect(await (await service.fetch('/sys/proc/1/threads/history?format=text')).text()).toContain(
    'Not recorded at present',
  )
})

test('a history as text is a table', async () => {
  await advance('5s')
  expect(await (await service.fetch('/sys/processes/history?format=text')).text()).toBe(
    'START                     MINIMUM  MAXIMUM  LAST\n1970-01-01T00:00:00.000Z        0        0     0\n',
  )
})

test('putting a state starts new histories', async () => {
  const { body: state } = await service.get('/sys/state')
  await advance('100s')
  const headers = { 'content-type': 'application/json' }
  await service.fetch('/sys/state', { method: 'PUT', headers, body: JSON.stringify(state) })
  await advance('1s')
  const { body } = await service.get('/sys/processes/history')
  expect(body).toMatchObject({ entries: [{ start: '1970-01-01T00:00:00.000Z' }] })
})

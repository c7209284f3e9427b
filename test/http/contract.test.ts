/** The contract check of the tests: it compares every response with openapi.yaml and reports violations. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { takeViolations } from '../support/contract/violations.ts'

const cursor = { 'introspect-cursor': '00000000000000000001', vary: 'Accept, User-Agent' }
const json = { ...cursor, 'content-type': 'application/json; charset=utf-8' }
const problem = { 'content-type': 'application/problem+json' }
const clock = { path: '/sys/clock', clock: 'virtual', now: '1970-01-01T00:00:00.000Z', next: null }

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

let stop: () => void = () => {}
afterEach(() => stop())

async function serve({ status = 200, headers = json, body = clock }: Answer): Promise<string> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const server = createServer((_request, response) => response.writeHead(status, headers).end(text))
  stop = () => server.close()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const refusal = { type: 'urn:introspectd:problem:forbidden', title: 'no', status: 403, detail: 'no' }

test.each<[string, string, string, Answer, RegExp]>([
  ['a path', 'GET', '/sys/clocks', {}, /the path is not declared/],
  ['a method', 'PATCH', '/sys/clock', {}, /PATCH is not declared at \/sys\/clock/],
  ['a status', 'GET', '/sys/clock', { status: 202 }, /the status is not declared/],
  [
    'a type',
    'GET',
    '/sys/clock',
    { headers: { ...cursor, 'content-type': 'text/html' } },
    /text\/html is not declared/,
  ],
  ['a header', 'GET', '/sys/clock', { headers: { ...json, 'x-more': '1' } }, /x-more is not declared/],
  [
    'no header',
    'GET',
    '/sys/clock',
    { headers: { vary: 'Accept', 'content-type': 'application/json' } },
    /introspect-cursor .*missing/,
  ],
  ['a field', 'GET', '/sys/clock', { body: { ...clock, zone: 'UTC' } }, /additional properties .*zone/],
  ['no field', 'GET', '/sys/clock', { body: { path: '/sys/clock' } }, /required property 'clock'/],
  ['a field', 'GET', '/sys/clock?fields=now', { body: { noww: '' } }, /additional properties .*noww/],
  ['no JSON', 'GET', '/sys/clock', { body: '{' }, /the body is not JSON/],
  ['no problem', 'GET', '/sys/clock', { status: 404, headers: problem, body: {} }, /required property 'type'/],
  ['a strange problem', 'GET', '/x', { status: 404, headers: problem, body: { ...refusal, oops: 1 } }, /oops/],
  [
    'a line',
    'GET',
    '/sys/proc',
    { headers: { ...cursor, 'content-type': 'application/x-ndjson' }, body: '{"pid":1}\n' },
    /required property 'path'/,
  ],
  [
    'an event',
    'GET',
    '/sys/part/a/part/b/proc/1/',
    { headers: { ...cursor, 'content-type': 'text/event-stream' }, body: 'id: 1\ndata: {}\n\n' },
    /required property 'specversion'/,
  ],
])('undescribed: %s is a violation in %s %s', async (_, method, path, answer, wrong) => {
  const url = await serve(answer)
  await (await fetch(`${url}${path}`, { method })).text()
  const found = await takeViolations()
  expect(found).toContainEqual(expect.stringMatching(wrong))
})

test('a described response is no violation, with its whole body or a selection of fields', async () => {
  const url = await serve({})
  await (await fetch(`${url}/sys/clock`)).text()
  stop()
  const part = await serve({ body: { now: clock.now } })
  await (await fetch(`${part}/sys/clock?fields=now`)).text()
  expect(await takeViolations()).toEqual([])
})

test('responses are checked for every client of a service in this process, and for fetch from one in another process', async () => {
  const url = await serve({ body: {} })
  const sent = request(`${url}/sys/clock`).end()
  const [response] = await once(sent, 'response')
  response.resume()
  await once(response, 'end')
  expect(await takeViolations()).toHaveLength(1)

  const program = `require('node:http').createServer((_, response) => response.end('{}'))
    .listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  stop = () => child.kill()
  const [port] = await once(child.stdout, 'data')
  await (await fetch(`http://127.0.0.1:${String(port).trim()}/sys/clock`)).text()
  expect(await takeViolations()).not.toEqual([])
})

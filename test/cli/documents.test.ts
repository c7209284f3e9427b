/** Tests the commands that print documents of the service, past events, and delete thresholds. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runHere } from '../support/command-line.ts'
import { excludePort } from '../support/contract/violations.ts'
import { ModelService } from '../support/model-service.ts'

let service: ModelService

beforeAll(async () => {
  service = await new ModelService().start()
  await service.post('/sys/proc', { name: 'one' })
  await service.put('/sys/channels/threshold/some', { at: 1 })
})

afterAll(() => service.stop())

const runWith = (...words: string[]) => runHere(words, { env: { INTROSPECTD_URL: service.url } })
const textAt = async (path: string) => (await service.fetch(`${path}?format=text`)).text()

describe('a command that prints a document', () => {
  test.each([
    [['get', '1'], '/sys/proc/1'],
    [['get', 'channels'], '/sys/channels'],
    [['get', '1/thread'], '/sys/proc/1/thread'],
    [['limits'], '/sys/limits'],
    [['thresholds'], '/sys/thresholds'],
    [['deadlocks'], '/sys/deadlocks'],
  ])('%j prints the text form of %s', async (words, path) => {
    expect(await runWith(...words)).toEqual({ code: 0, stdout: await textAt(path), stderr: '' })
  })

  test('prints JSON with --json', async () => {
    const { stdout } = await runWith('thresholds', '--json')
    expect(JSON.parse(stdout)).toEqual((await service.get('/sys/thresholds')).body)
  })

  test('names the part of a path that exists', async () => {
    expect(await runWith('get', 'prox')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'introspectd: /sys/prox does not exist; /sys does; did you mean /sys/proc?\n',
    })
  })
})

test('status prints the checks', async () => {
  const { code, stdout, stderr } = await runWith('status')
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^\[\+\] .*: .*$/m)
  expect(stdout).toMatch(/\nok\n$/)
})

test('status of a service that is not ready prints its checks, and the exit code is 1', async () => {
  const text = '[-] full scan: 9s ago\nnot ready\n'
  const server = createServer((_request, response) =>
    response.writeHead(503, { 'content-type': 'text/plain' }).end(text),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  excludePort(port)
  const ended = await runHere(['status'], { env: { INTROSPECTD_URL: `http://127.0.0.1:${port}` } })
  server.close()
  expect(ended).toEqual({ code: 1, stdout: text, stderr: '' })
})

test('events prints every past event of the path, over all pages', async () => {
  const calls = Array.from({ length: 2_500 }, () => '{"call":"create","name":"many"}').join('\n')
  await service.calls(calls)
  const { code, stdout } = await runWith('events', '--types', 'process.created', '--json')
  const names = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { data: { name: string } }).data.name)
  expect([code, names.length, names[0]]).toEqual([0, 2_501, 'one'])
  const one = await runWith('events', '1')
  expect(one.stdout).toMatch(/^.* {2}process\.created {4}\/sys\/proc\/1 {2}one: .*\n.*thread\.created.*\n$/)
})

describe('unset', () => {
  test('deletes a threshold, also one without a name of its own', async () => {
    await runWith('set', '1/channels', '5')
    expect(await runWith('unset', '1/channels')).toMatchObject({
      code: 0,
      stdout: '/sys/proc/1/channels/threshold/cli deleted\n',
    })
    expect(await runWith('unset', 'channels/threshold/some')).toMatchObject({ code: 0 })
    expect((await service.get('/sys/thresholds')).body.entries).toEqual([])
  })

  test('refuses a path without a threshold', async () => {
    expect(await runWith('unset', '1')).toMatchObject({
      code: 1,
      stderr: 'introspectd: /sys/proc/1 is no limit; name one below it, as in /sys/proc/1/fds\n',
    })
    expect((await runWith('unset', 'server-ids')).stderr).toMatch(/threshold\/cli does not exist/)
  })
})

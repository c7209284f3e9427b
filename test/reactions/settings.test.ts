/** Tests the settings of webhooks and commands: faults with their lines, secrets that are never printed, filters. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { unstoredTypes } from '../../src/app/reactions.ts'
import { configSchema, printConfig } from '../../src/config/print.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { modelAbilities } from '../../src/model/abilities.ts'
import { routesOf } from '../../src/reactions/route.ts'
import { typesOf } from '../../src/reactions/route-filter.ts'
import { ExecRoutes, Webhooks } from '../../src/reactions/shape.ts'
import { parseSecrets, signatureHeaders } from '../../src/reactions/signature.ts'
import { findUser } from '../../src/reactions/user.ts'

const directory = mkdtempSync(join(tmpdir(), 'introspectd-'))
afterAll(() => rmSync(directory, { recursive: true }))

const read = (text: string) => {
  const config = join(directory, 'c.yaml')
  writeFileSync(config, text)
  return readConfig({ config }, {})
}

const kernel = new Kernel({ abilities: modelAbilities, firstRevision: 1, now: 0 })
const webhook = (more: object) =>
  routesOf(kernel, { webhooks: Webhooks.parse([{ name: 'a', url: 'http://x', ...more }]) })[0]!
const command = (more: object) =>
  routesOf(kernel, { exec: ExecRoutes.parse([{ name: 'a', command: ['/bin/true'], user: 'root', ...more }]) })[0]!

describe('one line names the fault and its line for', () => {
  test.each([
    [
      'an unknown key',
      'webhooks:\n  - name: a\n    url: http://x\n    typos: 1\n',
      4,
      'webhooks[0].typos: there is no such key',
    ],
    ['no address', 'webhooks:\n  - name: a\n    url: x\n', 3, 'webhooks[0].url: expected an address'],
    [
      'a password in an address',
      'webhooks:\n  - name: a\n    url: http://u:hidden@x\n',
      3,
      'webhooks[0].url: an address must not contain',
    ],
    [
      'an unknown type',
      'webhooks:\n  - name: a\n    url: http://x\n    types: [treshold.*]\n',
      4,
      'webhooks[0].types: there is no event treshold.*; did you mean threshold.*?',
    ],
    [
      'a name twice',
      'webhooks:\n  - {name: a, url: http://x}\n  - {name: a, url: http://x}\n',
      3,
      'webhooks[1].name: there is a a already',
    ],
    ['no duration', 'port: 1\nwebhooks:\n  - name: a\n    url: http://x\n    timeout: 5\n', 5, 'webhooks[0].timeout: '],
    [
      'a header of the request itself',
      'webhooks:\n  - name: a\n    url: http://x\n    headers:\n      Content-Length: "5"\n',
      5,
      'webhooks[0].headers: the service itself sets connection, content-length, ',
    ],
    [
      'a header of two lines',
      'webhooks:\n  - name: a\n    url: http://x\n    headers:\n      x: "a\\nhidden"\n',
      5,
      'webhooks[0].headers.x: expected one line',
    ],
    [
      'a program without its path',
      'exec:\n  - name: a\n    command: [ls]\n    user: root\n',
      3,
      'exec[0].command: expected the absolute path',
    ],
    ['no user', 'exec:\n  - name: a\n    command: [/bin/ls]\n', 2, 'exec[0].user: '],
    [
      'a command for births',
      'exec:\n  - name: a\n    command: [/bin/ls]\n    user: root\n    types: [process.created]\n',
      5,
      'exec[0].types: a command is a process itself',
    ],
    [
      'a command for everything',
      'exec:\n  - name: a\n    command: [/bin/ls]\n    user: root\n    severity: info\n',
      2,
      'exec[0].types: a command is a process itself',
    ],
  ])('%s', (_, text, line, message) => {
    expect(() => read(text)).toThrow(`${join(directory, 'c.yaml')}:${line}: ${message}`)
    expect(() => read(text)).not.toThrow(/hidden/)
  })
})

test('the settings are printed without secrets, as comments, and have no flag and no variable', () => {
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
  const effective = read(`webhooks:
  - name: ops
    url: https://hooks.example.org/services/T0/B0/hidden1
    secret: ${secret}
    headers: { Authorization: Bearer hidden2 }
exec:
  - { name: page, command: [/bin/true], user: nobody }
`)
  const printed = printConfig(effective)
  expect(printed).toMatch(/^# webhooks: \[\{"name":"ops".*"url":"https:\/\/hooks.example.org\/\(not shown\)"/m)
  expect(printed).toMatch(/^exec: \[\{"name":"page"/m)
  for (const hidden of ['hidden1', 'hidden2', secret]) expect(printed).not.toContain(hidden)
  expect(() => readConfig({}, { INTROSPECTD_WEBHOOKS: '[]' })).toThrow('there is no setting INTROSPECTD_WEBHOOKS')
  const { properties } = configSchema() as { properties: Record<string, { items?: { required: string[] } }> }
  expect(properties.thresholds).toMatchObject({ type: 'object' })
  expect(JSON.stringify(configSchema())).toContain('secret-file')
})

test('the end of a condition is as severe as its begin', () => {
  const warnings = typesOf({ types: null, severity: 'warning' })
  for (const type of ['threshold.tripped', 'threshold.cleared', 'deadlock.eased', 'source.recovered', 'events.lost'])
    expect([type, warnings.has(type)]).toEqual([type, true])
  for (const type of ['process.created', 'limit.changed']) expect(warnings.has(type)).toBe(false)
  expect(typesOf({ types: ['threshold.tripped'], severity: 'info' })).toEqual(new Set(['threshold.tripped']))
  expect(typesOf({ types: ['threshold.tripped'], severity: 'info' }, { andEnds: true })).toEqual(
    new Set(['threshold.tripped', 'threshold.cleared']),
  )
  expect([...typesOf({ types: null, severity: 'error' })]).toContain('deadlock.resolved')
})

test('a route gets events about its path, and with types those of any severity', () => {
  const event = (type: string, ...places: string[]) => ({
    sequence: 1,
    type,
    places,
    isForAll: false,
    json: Buffer.from(''),
  })
  const inWeb = webhook({ path: '/sys/part/web' }).wants
  expect(inWeb(event('threshold.tripped', '/sys/proc/1/fds', '/sys/part/web'))).toBe(true)
  expect(inWeb(event('threshold.tripped', '/sys/proc/1/fds', '/sys/part/mail'))).toBe(false)
  expect(inWeb(event('process.created', '/sys/proc/1', '/sys/part/web'))).toBe(false)
  expect(webhook({ types: ['process.*'] }).wants(event('process.created', '/sys/proc/1'))).toBe(true)
  expect(webhook({}).wants({ ...event('events.lost', '/sys'), isForAll: true })).toBe(true)
})

test('the signature is that of Standard Webhooks, one for each secret', () => {
  const secrets = parseSecrets('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n')
  const signed = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1_614_265_330, body: '{"test": 2432232314}' }
  // The example in the documentation of the convention.
  const known = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
  const headers = signatureHeaders(secrets, signed)
  expect(headers).toMatchObject({ 'webhook-id': signed.id, 'webhook-timestamp': '1614265330' })
  expect(headers['webhook-signature']).toBe(known)
  expect(signatureHeaders([...secrets, ...secrets], signed)['webhook-signature']!.split(' ')).toHaveLength(2)
  expect(signatureHeaders([], signed)).not.toHaveProperty('webhook-signature')
  for (const wrong of ['', 'secret', 'whsec_short', 'whsec_!!!']) expect(() => parseSecrets(wrong)).toThrow(/whsec_/)
})

test('files and users that are not there are named with the route', () => {
  expect(() => webhook({ 'secret-file': '/none' })).toThrow(/^webhooks: a: ENOENT/)
  expect(() => webhook({ secret: 'short' })).toThrow(/^webhooks: a: a secret is/)
  expect(() => webhook({ path: '/proc' })).toThrow(/^webhooks: a: \/proc does not exist/)
  expect(() => command({ user: 'nobody-of-that-name' })).toThrow(/^exec: a: there is no user nobody-of-that-name$/)
  expect(findUser('root')).toMatchObject({ uid: 0, gid: 0 })
})

test('the address of an Alertmanager may have the path of its API', () => {
  for (const url of ['http://x:9093', 'http://x:9093/', 'http://x:9093/api/v2/alerts'])
    expect(webhook({ url, format: 'alertmanager' })).toMatchObject({ url: 'http://x:9093/api/v2/alerts' })
  expect(webhook({ url: 'http://x/am/', format: 'alertmanager' })).toMatchObject({ url: 'http://x/am/api/v2/alerts' })
})

test('a route with types that the journal does not store is warned about', () => {
  const routes = [webhook({ types: ['process.*', 'threshold.tripped'] })]
  expect(unstoredTypes(routes)).toEqual([])
  expect(unstoredTypes(routes, (type) => type === 'threshold.tripped')).toEqual([
    expect.stringMatching(/^webhook a: --journal-types does not store process.created, .*is lost$/),
  ])
})

/** asyncapi.yaml: it is valid AsyncAPI, describes the events of the service, and is what the tests check events by. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import { afterEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { asyncApi } from '../../src/http/asyncapi.ts'
import { eventTypes } from '../../src/kernel/events.ts'
import { checkFrame, takeViolations } from '../support/contract/violations.ts'
import { Service } from '../support/service.ts'

const root = new URL('../../', import.meta.url)
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }
const document = asyncApi(version)

let service: Service
afterEach(() => service?.stop())

test('asyncapi.yaml is generated from the rows of the events (npm run asyncapi), and is what the service serves', async () => {
  expect(parse(readFileSync(new URL('asyncapi.yaml', root), 'utf8'))).toEqual(document)
  service = await new Service().start()
  const { status, body } = await service.get('/asyncapi.json')
  const { servers, ...rest } = asyncApi('0.0.0')
  expect([status, body]).toMatchObject([200, rest])
  expect(Object.keys(Object(body.servers))).toEqual(Object.keys(Object(servers)))
})

test('asyncapi.yaml is valid AsyncAPI 3, and a document without a server’s protocol is not', () => {
  const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0.json') as object
  // The schema includes the JSON Schema meta-schema as one of its own definitions.
  const validate = new Ajv({ strict: false, meta: false, validateSchema: false, validateFormats: false }).compile(
    schema,
  )
  expect([validate(document), validate.errors]).toEqual([true, null])
  expect(validate({ ...document, servers: { http: { host: 'localhost' } } })).toBe(false)
})

test('every reference leads somewhere, and every payload is a schema', () => {
  const text = JSON.stringify(document)
  const places = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, place]) => place!)
  expect(places.length).toBeGreaterThan(100)
  const at = (place: string) =>
    place.split('/').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], document)
  expect([...new Set(places)].filter((place) => at(place) === undefined)).toEqual([])
  const { messages } = document.components as { messages: Record<string, { payload: unknown }> }
  const ajv = new Ajv({ strict: false, validateFormats: false }).addSchema(document, 'asyncapi')
  for (const name of Object.keys(messages)) {
    const validate = ajv.compile({ $ref: `asyncapi#/components/messages/${name}/payload` })
    expect([name, validate({})]).toEqual([name, false])
  }
  expect(Object.keys(messages)).toEqual(expect.arrayContaining(eventTypes.map(({ type }) => type)))
})

const event = {
  specversion: '1.0',
  id: '00000000000000000001',
  source: '/net/alpha',
  type: 'partition.created',
  subject: '/sys/part/web',
  time: '1970-01-01T00:00:00.000Z',
  sequence: '00000000000000000001',
  data: { name: 'web' },
}

test.each([
  ['of an unknown type', { ...event, type: 'partition.made' }, /no event of type partition\.made/],
  ['with an undescribed field', { ...event, data: { name: 'web', size: 1 } }, /unrecognized_keys.*size/],
  ['without a field', { ...event, data: {} }, /invalid_type.*name/],
  ['without its sequence', { ...event, sequence: undefined }, /invalid_type.*sequence/],
  ['in an unknown frame', { type: 'hello' }, /"type":"hello"/],
  ['in a frame, without a field', { type: 'event', id: 'a', event: { ...event, data: {} } }, /invalid_type.*name/],
])('an event %s is a violation wherever a test sees it', async (_, frame, wrong) => {
  checkFrame(event)
  checkFrame({ type: 'event', id: 'a', event })
  expect(await takeViolations()).toEqual([])
  checkFrame(frame)
  expect(await takeViolations()).toEqual([expect.stringMatching(wrong)])
})

/** Tests that the OpenAPI document has the form that generators of clients understand. */

import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { openApi } from '../../src/http/openapi.ts'
import { asOpenApi30 } from '../../src/http/openapi-3-0.ts'
import { Service } from '../support/service.ts'

const root = new URL('../../', import.meta.url)
const text = (name: string): string => readFileSync(new URL(name, root), 'utf8')

const Json = z.record(z.string(), z.unknown())
type Json = z.output<typeof Json>
const Body = z.object({ content: Json.optional(), 'x-content': Json.optional() })
const Operation = z.object({
  tags: z.array(z.string()),
  summary: z.string(),
  description: z.string().min(10),
  operationId: z.string(),
  parameters: z.array(z.object({ $ref: z.string().optional() })).default([]),
  requestBody: Body.optional(),
  responses: z.record(z.string(), Body),
})
const Document = z.object({
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.object({ schemas: z.record(z.string(), Json), parameters: z.record(z.string(), Json) }),
})

const { paths, tags, components } = Document.parse(parse(text('openapi.yaml')))
const operations = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).flatMap(([method, operation]) =>
    method === 'parameters' ? [] : [{ name: `${method} ${path}`, ...Operation.parse(operation) }],
  ),
)
const at = (name: string) => operations.find((operation) => operation.name === name)!

test('every operation has a description, an id of its own and one tag, which is described', () => {
  const names = tags.map(({ name }) => name)
  for (const { name, tags: own } of operations) expect([name, own]).toEqual([name, [expect.toBeOneOf(names)]])
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
  expect(at('get /sys/proc').tags).toEqual(['System'])
  expect(at('put /sys/proc/{pid}/{limit}/threshold/{name}').tags).toEqual(['Processes'])
  expect(at('post /sys/part/{part}/proc').tags).toEqual(['Model'])
})

test('each body has one type, and that is JSON wherever JSON is possible', () => {
  for (const { name, requestBody, responses } of operations)
    for (const body of [requestBody ?? {}, ...Object.values(responses)]) {
      const [types, others] = [Object.keys(body.content ?? {}), Object.keys(body['x-content'] ?? {})]
      expect([name, types.length]).toEqual([name, expect.toBeOneOf([0, 1])])
      if (others.length > 0) expect([name, types]).toEqual([name, ['application/json']])
    }
  const [ok] = Object.values(at('get /sys/proc').responses)
  expect(Object.keys(ok!['x-content']!)).toEqual(['text/plain', 'application/x-ndjson', 'text/event-stream'])
})

test('no field of a body has the keyword default, and the description says the default', () => {
  const found: string[] = []
  JSON.stringify(components.schemas, (key, value) => {
    if (key !== 'properties' && Object.hasOwn(Object(value), 'default')) found.push(key)
    return value
  })
  expect(found).toEqual([])
  const { properties, required } = components.schemas.ThresholdDefinition as { properties: Json; required?: string[] }
  expect(required).toBeUndefined()
  expect(properties.direction).toMatchObject({ description: expect.stringMatching(/\. Default: "rising"$/) })
})

test('preconditions and Last-Event-ID are header parameters of the operations that take them', () => {
  const headers = Object.entries(components.parameters).filter(([, { in: place }]) => place === 'header')
  expect(headers.map(([, { name }]) => name).sort()).toEqual([
    'If-Match',
    'If-None-Match',
    'If-Process',
    'Last-Event-ID',
  ])
  const takes = (name: string, header: string) =>
    at(name).parameters.some(({ $ref }) => $ref === `#/components/parameters/${header}`)
  for (const method of ['put', 'delete']) {
    expect(takes(`${method} /sys/proc/{pid}/{limit}/threshold/{name}`, 'ifMatch')).toBe(true)
    expect(takes(`${method} /sys/{limit}/threshold/{name}`, 'ifNoneMatch')).toBe(true)
    expect(takes(`${method} /sys/{limit}/threshold/{name}`, 'ifProcess')).toBe(false)
    expect(takes(`${method} /sys/proc/{pid}/timeout`, 'ifProcess')).toBe(true)
  }
  expect(takes('post /sys/proc/{pid}/signal', 'ifProcess')).toBe(true)
  expect(takes('get /sys/proc/{pid}', 'lastEventId')).toBe(true)
})

test.each(['openapi.yaml', 'asyncapi.yaml'])('%s means the same to a reader of YAML 1.1', (name) => {
  expect(parse(text(name), { version: '1.1' })).toEqual(parse(text(name)))
})

test('the document is also to be had in OpenAPI 3.0, valid and without words of 3.1', async () => {
  const older = asOpenApi30(openApi('0.1.0'))
  expect(await new Validator().validate(structuredClone(older))).toEqual({ valid: true })
  const words = /"(const|prefixItems|propertyNames|\$defs|examples)":|"type":\[|"type":"null"/
  expect(JSON.stringify(older)).not.toMatch(words)
  expect(Object.keys(older.paths as Json)).toEqual(Object.keys(paths))
  const { schemas } = older.components as { schemas: Record<string, { properties: Json }> }
  expect(schemas.Limit!.properties).toMatchObject({
    value: { type: 'integer', format: 'int64', nullable: true },
    limit: { type: 'string' },
  })
  // Several types become any.
  expect(schemas.ThresholdDefinition!.properties.at).toEqual({
    description: expect.stringMatching(/Type: integer or string$/),
  })
  // These would hide java.lang.Process.
  expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['ProcessNode', 'ThreadNode', 'SystemNode']))
})

test('a service serves the document in both versions, and refuses others', async () => {
  const service = await new Service().start()
  const get = (query: string) => service.fetch(`/openapi.json${query}`)
  expect(await (await get('')).json()).toMatchObject({ openapi: '3.1.0' })
  expect(await (await get('?version=3.0')).json()).toMatchObject({ openapi: '3.0.3', servers: [{ url: '/' }] })
  expect((await get('?version=2.0')).status).toBe(400)
  await service.stop()
})

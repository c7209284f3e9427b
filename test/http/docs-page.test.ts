/** Tests the page `/docs`, which is loaded at its first request. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { Service } from '../support/service.ts'

let service: Service

beforeEach(async () => {
  service = await new Service().start()
})

afterEach(() => service.stop())

test('the page and every file that it names are there', async () => {
  const page = await service.fetch('/docs/')
  expect(page.headers.get('content-type')).toMatch(/^text\/html/)
  const files = [...(await page.text()).matchAll(/(?:src|href)="\.?\/?(static\/[^"]+)"/g)].map(([, file]) => file)
  expect(files.length).toBeGreaterThan(3)
  for (const file of files) expect([file, (await service.fetch(`/docs/${file}`)).status]).toEqual([file, 200])
  expect((await service.get('/docs/json')).body.paths).toHaveProperty('/sys')
})

test('requests for it at the same time load it once, and HEAD has the length of GET', async () => {
  const [get, head] = await Promise.all([service.fetch('/docs'), service.fetch('/docs', { method: 'HEAD' })])
  const length = String((await get.arrayBuffer()).byteLength)
  expect([get.headers.get('content-length'), head.headers.get('content-length')]).toEqual([length, length])
})

test('a path that is none of its files is a problem document', async () => {
  const { status, headers, body } = await service.get('/docs/static/nothing.js')
  expect([status, headers.get('content-type'), body.status]).toEqual([
    404,
    expect.stringContaining('problem+json'),
    404,
  ])
})

/** Checks the format of /metrics with promtool, the checker of Prometheus. */

import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Service } from '../support/service.ts'

let service: Service

beforeEach(async () => {
  service = await new Service().start()
})

afterEach(() => service.stop())

const metrics = async (): Promise<string> => {
  const response = await service.fetch('/metrics')
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  return response.text()
}

test('promtool finds no fault in the metrics', async () => {
  const { bench } = service
  bench.observe(bench.process(4), 'cpu-time', 3_000_000)
  const text = await metrics()
  expect(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })).toBe('')
})

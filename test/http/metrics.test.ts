/** Prometheus metrics and the documentation page: values, units, and the tokens they need. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseTokens } from '../../src/http/security/gate.ts'
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

test('scans, thresholds, streams, events and usage are reported in base units', async () => {
  const { bench } = service
  const process = bench.process(4)
  const thread = bench.thread(process, 4)
  bench.observe(thread, 'cpu-time', 3_500_000)
  bench.observe(thread, 'cpu', 250)
  bench.observe(process, 'fds', 17)
  bench.put(process, 'fds', 'low', { at: 10 })
  bench.put(process, 'fds', 'high', { at: 100 })
  await service.watch('/sys')
  const text = await metrics()
  const value = (series: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')[1]
  expect(value('introspectd_scan_age_seconds{kind="full"}')).toBe('0.012')
  expect(value('introspectd_scan_lag_seconds{kind="full"}')).toBe('0')
  expect(value('introspectd_subscribers')).toBe('1')
  expect(value('introspectd_thresholds{state="tripped"}')).toBe('1')
  expect(value('introspectd_thresholds{state="armed"}')).toBe('1')
  expect(value('introspectd_source_degraded{what="nothing-real"}')).toBe('1')
  expect(value('introspectd_events_total{type="process.created"}')).toBe('1')
  expect(value('introspectd_system_fds')).toBe('17')
  expect(value('introspectd_system_cpu_seconds_total')).toBe('3.5')
  expect(value('introspectd_system_cpu_ratio')).toBe('0.25')
  expect(Number(value('nodejs_eventloop_lag_p99_seconds'))).toBeGreaterThan(0)
})

test('an unknown value has no sample, and no series describes a process or thread', async () => {
  const { bench } = service
  bench.thread(bench.process(4242), 4243)
  const text = await metrics()
  expect(text).toContain('# TYPE introspectd_system_memory_bytes gauge')
  expect(text).not.toMatch(/^introspectd_system_memory_bytes /m)
  // Values of other series may contain these digits.
  const series = text
    .split('\n')
    .filter((line) => /^[a-z]/.test(line))
    .map((line) => line.slice(0, line.lastIndexOf(' ')))
  expect(series.length).toBeGreaterThan(20)
  expect(series.filter((name) => /424[23]/.test(name))).toEqual([])
})

test('metrics need a token where tokens are in use, and the page of the documentation needs none', async () => {
  const guarded = await new Service({ tokens: parseTokens('ha read 0123456789abcdef') }).start()
  try {
    expect((await guarded.fetch('/metrics')).status).toBe(401)
    const headers = { authorization: 'Bearer 0123456789abcdef' }
    expect((await guarded.fetch('/metrics', { headers })).status).toBe(200)
    expect((await guarded.fetch('/docs')).status).toBe(200)
    expect((await guarded.fetch('/openapi.json')).status).toBe(401)
  } finally {
    await guarded.stop()
  }
})

test('the documentation is a page about the OpenAPI document', async () => {
  const page = await service.fetch('/docs')
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(await page.text()).toContain('swagger-ui')
  const { paths } = (await (await service.fetch('/docs/json')).json()) as { paths: object }
  expect(paths).toEqual(((await (await service.fetch('/openapi.json')).json()) as { paths: object }).paths)
})

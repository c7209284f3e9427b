/** The real service under faults: dying workers, few descriptors, a stopped service, many short-lived processes. */

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import type { Program } from '../support/programs.ts'
import { endAll, startForTest } from '../support/running.ts'
import type { CloudEvent, Watcher } from '../support/service.ts'
import { until } from '../support/until.ts'

async function begin(name: string, ...args: readonly (string | number)[]): Promise<Program> {
  return startForTest(name, args)
}

const openFds = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length
const is = (type: string, subject?: string) => (event: CloudEvent) =>
  event.type === type && (subject === undefined || event.subject === subject)
const typesOf = (watcher: Watcher, subject: string) =>
  watcher.events.filter((event) => event.subject === subject).map(({ type }) => type)

describe('a worker that dies', () => {
  const endWorkers = new URL('../support/end-workers.ts', import.meta.url).pathname
  const faulty = { env: { NODE_OPTIONS: `--import=${endWorkers}` } }

  test('is restarted with its plan and reported if it is the scan worker, but no birth or death is reported', async () => {
    const live = await Live.start([], faulty)
    const hog = await begin('fd-hog', 1, 50)
    const path = `/sys/proc/${hog.pid}`
    const watcher = await live.watch('/sys?types=source.*,process.*,threshold.*')
    await live.until(path, ({ status }) => status !== 404)
    await live.put(`${path}/fds/threshold/hog`, { at: 40 })
    await watcher.until(is('threshold.tripped'))
    live.child.kill('SIGUSR2')
    // A busy machine may report its event loop meanwhile.
    const isScan = (type: string) => (event: CloudEvent) => event.type === type && event.data.what === 'scan'
    await watcher.until(isScan('source.degraded'))
    await watcher.until(isScan('source.recovered'))
    expect(
      watcher.events.filter(({ data }) => data.what === 'scan').map(({ type, data }) => [type, data.what]),
    ).toEqual([
      ['source.degraded', 'scan'],
      ['source.recovered', 'scan'],
    ])
    hog.send('close')
    await watcher.until(is('threshold.cleared'))
    expect(typesOf(watcher, path)).not.toContain('process.died')
    expect(typesOf(watcher, path).filter((type) => type === 'process.created').length).toBeLessThanOrEqual(1)
    expect(typesOf(watcher, `${path}/fds`)).toEqual(['threshold.tripped', 'threshold.cleared'])
    await live.stop()
  })

  test('is replaced by scanning if it is the connector, until it reports births and deaths again', async () => {
    const live = await Live.start([], faulty)
    const watcher = await live.watch('/sys?types=source.*,process.*')
    const before = await begin('fd-hog', 1, 1)
    await watcher.until(is('process.created', `/sys/proc/${before.pid}`))
    live.child.kill('SIGPWR')
    await watcher.until(is('source.degraded'))
    const between = await begin('fd-hog', 1, 1)
    await watcher.until(is('source.recovered'))
    await watcher.until(is('process.created', `/sys/proc/${between.pid}`))
    await endAll()
    for (const { pid } of [before, between]) {
      await watcher.until(is('process.died', `/sys/proc/${pid}`))
      const types = typesOf(watcher, `/sys/proc/${pid}`).filter((type) => type !== 'process.changed')
      expect(types.filter((type) => type !== 'process.exec')).toEqual(['process.created', 'process.died'])
    }
    await live.stop()
  })
})

test('after a stop the service reports each birth of the pause once, and no CPU share above the maximum', async () => {
  const live = await Live.start()
  const hog = await begin('hog-cpu')
  const ends = await begin('fd-hog', 1, 1)
  const watcher = await live.watch('/sys?types=process.created,process.died')
  await live.until(`/sys/proc/${ends.pid}`, ({ status }) => status !== 404)
  live.child.kill('SIGSTOP')
  const ended = once(ends.child, 'exit')
  ends.child.kill('SIGKILL')
  await ended
  const born = await begin('fd-hog', 1, 1)
  // Many periods pass.
  for (let count = 0; count < 3; count++) execFileSync('sleep', ['1'])
  live.child.kill('SIGCONT')
  await watcher.until(is('process.died', `/sys/proc/${ends.pid}`))
  await watcher.until(is('process.created', `/sys/proc/${born.pid}`))
  const cpus = Number((await live.get('/sys/cpu')).capacity)
  for (let count = 0; count < 50; count++) {
    const { value } = await live.get(`/sys/proc/${hog.pid}/cpu`)
    if (value !== null) expect(Number(value)).toBeLessThanOrEqual(cpus)
  }
  expect(typesOf(watcher, `/sys/proc/${born.pid}`)).toEqual(['process.created'])
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

test('with few descriptors and many processes the service says so and still serves, and armed thresholds trip', async () => {
  const crowd = await begin('fd-crowd', 400)
  const [first] = (await crowd.line()).trim().split(' ').map(Number)
  const live = await Live.start([], { under: ['prlimit', '--nofile=1100:1100'] })
  await live.put('/sys/fds/threshold/each', { at: 50, per: 'process' })
  const watchers: Watcher[] = []
  for (let count = 0; count < 20; count++) watchers.push(await live.watch(`/sys/proc/${first}?types=threshold.*`))
  process.kill(first!, 'SIGUSR1')
  for (const watcher of watchers) await watcher.until(is('threshold.tripped', `/sys/proc/${first}/fds`))
  const readiness = async () => (await fetch(`${live.url}/readyz?verbose`)).text()
  const ready = await until(readiness, (text) => text.includes('[-] descriptors: '), { everyMs: 0 })
  expect(ready).toMatch(/^ok$/m)
  expect(openFds(live.pid)).toBeLessThanOrEqual(1100)
  process.kill(first!, 'SIGUSR2')
  for (const watcher of watchers) await watcher.until(is('threshold.cleared'))
  const source = await live.watch('/sys?types=source.*')
  await fetch(`${live.url}/sys/fds/threshold/each`, { method: 'DELETE' })
  await source.until(({ type, data }) => type === 'source.recovered' && data.what === 'descriptors')
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

test('after 4,000 threads came and went the tree agrees with /proc, and no error is logged', async () => {
  const live = await Live.start()
  const churn = await begin('churn', 4000)
  const path = `/sys/proc/${churn.pid}`
  await live.until(path, ({ status }) => status !== 404)
  const watcher = await live.watch(`${path}?types=thread.created,thread.died`)
  while (watcher.events.length < 20_000) await watcher.until(watcher.events.length + 1)
  churn.send('settle')
  expect(await churn.line()).toBe('settled')
  const tids = readdirSync(`/proc/${churn.pid}/task`)
    .map(Number)
    .sort((a, b) => a - b)
  expect(tids).toHaveLength(4001)
  await live.until(`${path}/threads`, ({ value }) => value === 4001)
  const { entries } = (await live.get(`${path}/thread`)) as { entries: { tid: number }[] }
  expect(entries.map(({ tid }) => tid).sort((a, b) => a - b)).toEqual(tids)
  await churn.stop()
  await live.until(path, ({ status }) => status === 404)
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

test('with 4,000 processes a threshold per process trips for the right one, and all disappear when they end', async () => {
  const live = await Live.start()
  const crowd = await begin('fd-crowd', 4000)
  const pids = (await crowd.line()).trim().split(' ').map(Number)
  await live.until('/sys/processes', ({ value }) => Number(value) > 4000)
  await live.put('/sys/fds/threshold/each', { at: 50, per: 'process' })
  const chosen = pids[1234]!
  const watcher = await live.watch(`/sys/proc/${chosen}?types=threshold.*`)
  process.kill(chosen, 'SIGUSR1')
  await watcher.until(1)
  expect(watcher.events).toMatchObject([{ type: 'threshold.tripped', subject: `/sys/proc/${chosen}/fds` }])
  await crowd.stop()
  await live.until('/sys/processes', ({ value }) => Number(value) < 4000)
  await live.until(`/sys/proc/${pids.at(-1)}`, ({ status }) => status === 404)
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

test('late armed scans are reported, until nothing is armed any more', async () => {
  // The budget is so small that even few processes exceed it.
  const live = await Live.start(['--armed-budget', '0.05'])
  const watcher = await live.watch('/sys?types=source.*')
  const path = '/sys/fds/threshold/each'
  const isLag = (kind: string) => (event: { type: string; data: Record<string, unknown> }) =>
    event.type === `source.${kind}` && event.data.what === 'armed-scan-lag'
  await live.put(path, { at: 1_000_000, per: 'process' })
  await watcher.until(isLag('degraded'))
  expect(await (await fetch(`${live.url}/readyz?verbose`)).text()).toMatch(/\[-\] armed-scan-lag: /)
  await fetch(`${live.url}${path}`, { method: 'DELETE' })
  await watcher.until(isLag('recovered'))
  expect(await (await fetch(`${live.url}/readyz?verbose`)).text()).not.toContain('armed-scan-lag')
  await live.stop()
})

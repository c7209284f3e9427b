/** Tests a service whose wall clock is set while it runs. A preloaded library shifts the clock of that process only. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { startForTest } from '../support/running.ts'
import type { CloudEvent, Watcher } from '../support/service.ts'

let directory: string
let live: Live

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-clock-'))
  const library = join(directory, 'set-clock.so')
  const source = new URL('../programs/set-clock.c', import.meta.url).pathname
  execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'])
  setClock(0)
  const env = { LD_PRELOAD: library, CLOCK_OFFSET_FILE: join(directory, 'offset') }
  live = await Live.start(['--data', join(directory, 'data')], { env })
})

afterEach(async () => {
  await live.stop('SIGKILL')
  rmSync(directory, { recursive: true })
})

/** @param offset seconds added to the real time */
function setClock(offset: number): void {
  writeFileSync(join(directory, 'next'), `${offset}\n`)
  renameSync(join(directory, 'next'), join(directory, 'offset'))
}

const ofClock = (type: string) => (event: CloudEvent) => event.type === type && event.data.what === 'clock'

const firstOf = async (watcher: Watcher, fits: (event: CloudEvent) => boolean) =>
  (await watcher.until(fits)).find(fits)!

/** Time in ms between consecutive events. Some events are emitted a little after the moment that their time names. */
const stepsOf = ({ events }: Watcher) =>
  events.slice(1).map(({ time }, place) => Date.parse(time) - Date.parse(events[place]!.time))

test('a clock set back by an hour is reported; times never run backwards, and durations go on', async () => {
  const watcher = await live.watch('/sys')
  const hog = await startForTest('fd-hog', [0, 200])
  const path = `/sys/proc/${hog.pid}/fds/threshold`
  await live.until(`/sys/proc/${hog.pid}/fds`, ({ value }) => Number(value) >= 200)
  await live.put(`${path}/stays`, { at: 100, for: '2s' })
  await live.put(`${path}/ends`, { at: 1_000, ttl: '2s' })
  await live.put(`/sys/proc/${hog.pid}/timeout`, { states: ['RECEIVE'], after: '2s' })
  setClock(-3_600)
  const degraded = await firstOf(watcher, ofClock('source.degraded'))
  expect(degraded.data.reason).toMatch(
    /^the wall clock was set back by 3[56]\d\d(\.\d)?s: times in events are ahead of it by that much/,
  )
  // Durations that started before the step.
  await firstOf(watcher, ({ type, data }) => type === 'threshold.tripped' && data.threshold === `${path}/stays`)
  await firstOf(
    watcher,
    ({ type, subject }) => type === 'deadlock.warning' && subject.startsWith(`/sys/proc/${hog.pid}/`),
  )
  await live.until(`${path}/ends`, ({ status }) => status === 404)
  // Durations and processes that start after the step.
  const next = await startForTest('fd-hog', [0, 200])
  await live.until(`/sys/proc/${next.pid}/fds`, ({ value }) => Number(value) >= 200)
  const put = await live.put(`/sys/proc/${next.pid}/fds/threshold/stays`, { at: 100, for: '500ms' })
  expect(put.state).not.toBe('tripped')
  await firstOf(watcher, ({ type, subject }) => type === 'threshold.tripped' && subject === `/sys/proc/${next.pid}/fds`)
  expect(Math.min(...stepsOf(watcher))).toBeGreaterThan(-1_000)
  expect(await (await fetch(`${live.url}/metrics`)).text()).toContain('introspectd_source_degraded{what="clock"} 1')
  expect(await (await fetch(`${live.url}/readyz`)).text()).toBe('ok\n')
  setClock(0)
  await firstOf(watcher, ofClock('source.recovered'))
})

test('a clock set forward by an hour is reported; times follow, and the service stays ready', async () => {
  const watcher = await live.watch('/sys')
  setClock(3_600)
  const degraded = await firstOf(watcher, ofClock('source.degraded'))
  expect(degraded.data.reason).toMatch(/^the wall clock was set forward by 3[56]\d\d(\.\d)?s/)
  expect(Date.parse(degraded.time) - Date.now()).toBeGreaterThan(3_500_000)
  await firstOf(watcher, ofClock('source.recovered'))
  expect(await (await fetch(`${live.url}/readyz`)).text()).toBe('ok\n')
})

/** Limits of real cgroups as capacities: those of cgroups around them, page cache, and cgroups that are made again. */

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cgroups } from '../support/cgroups.ts'
import { Live } from '../support/live.ts'

const controllers = ['memory', 'pids', 'cpu'] as const
const pod = `introspectd pod ${process.pid}`
const podPath = `/sys/part/${encodeURIComponent(pod)}`
const appPath = `${podPath}/part/app`
const mebibyte = 2 ** 20
const cgroups = new Cgroups()
// The file system of the checkout: files of a tmpfs are no page cache.
const file = new URL(`../.build/page-cache-${process.pid}`, import.meta.url).pathname
let live: Live

function makePod(memory: number): void {
  cgroups.make([pod], controllers)
  cgroups.limit('memory', [pod], memory)
  cgroups.limit('pids', [pod], 40)
  cgroups.limit('cpu', [pod], cgroups.isUnified ? '50000 100000' : 50_000)
  cgroups.make([pod, 'app'], controllers)
}

/** Fills the cgroup with page cache: it writes a file that is larger than the limit. */
function fillWithCache(): void {
  const procs = cgroups.directory('memory', pod, 'app', 'cgroup.procs')
  const script = 'echo $$ > "$1" && exec dd if=/dev/zero of="$2" bs=1M count=60 conv=fsync'
  expect(spawnSync('sh', ['-c', script, 'sh', procs, file]).status).toBe(0)
}

beforeAll(async () => {
  live = await Live.start()
  makePod(40 * mebibyte)
})

afterAll(async () => {
  rmSync(file, { force: true })
  cgroups.removeAll()
  await live.stop()
})

test('a partition has the limits of the cgroup around it, and page cache counts as free memory', async () => {
  await live.until(`${appPath}/memory`, ({ capacity }) => capacity === 40 * mebibyte)
  for (const [limit, capacity] of [
    ['memory', 40 * mebibyte],
    ['memory-free', 40 * mebibyte],
    ['threads', 40],
    ['processes', 40],
    ['cpu', 500],
  ] as const)
    expect(await live.get(`${appPath}/${limit}`)).toMatchObject({ capacity, capacitySource: podPath })
  const low = { at: '50%', direction: 'falling' }
  expect(await live.put(`${appPath}/memory-free/threshold/low`, low)).toMatchObject({ state: 'armed' })
  const watcher = await live.watch(`${appPath}?types=threshold.*`)
  fillWithCache()
  const full = await live.until(`${appPath}/memory`, ({ value }) => Number(value) > 25 * mebibyte)
  expect(Number(full.reclaimable)).toBeGreaterThan(20 * mebibyte)
  const free = await live.get(`${appPath}/memory-free`)
  expect(Number(free.value)).toBeGreaterThan(30 * mebibyte)
  expect(Number(free.reclaimable)).toBeGreaterThan(20 * mebibyte)
  expect(watcher.events).toEqual([])
})

test('a cgroup that is removed and made again has its new limits within two scans', async () => {
  const names = [[pod, 'app'], [pod]]
  for (const each of names) cgroups.remove(each, controllers)
  makePod(20 * mebibyte)
  for (const path of [podPath, appPath]) {
    const memory = await live.until(`${path}/memory`, ({ capacity }) => capacity === 20 * mebibyte)
    expect(memory).not.toHaveProperty('unavailable')
    expect(await live.get(`${path}/threads`)).toMatchObject({ capacity: 40 })
  }
})

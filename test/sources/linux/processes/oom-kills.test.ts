/** Attribution of the kernel's counts of kills to processes that ended by SIGKILL. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { partitionAppeared } from '../../../../src/kernel/observations.ts'
import { OomKills } from '../../../../src/sources/linux/processes/oom-kills.ts'
import type { PartitionReading } from '../../../../src/sources/linux/protocol.ts'
import { Bench } from '../../../kernel/support.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'introspectd-oom-'))
  for (const directory of ['cgroup/pod/app', 'proc']) mkdirSync(join(root, directory), { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true }))

function countIs(place: 'pod' | 'pod/app' | 'machine', count: number): void {
  const file = place === 'machine' ? 'proc/vmstat' : `cgroup/${place}/memory.events`
  writeFileSync(join(root, file), `low 0\noom 9\noom_kill ${count}\n`)
}

function reading(names: readonly string[], count: number): PartitionReading {
  const sources = { memory: 0, threads: 0, cpu: 0 }
  const maxima = { memoryMax: null, memoryFree: null, threadsMax: null, cpuMax: null }
  return { names, memory: 0, reclaimable: 0, ...maxima, sources, oomKills: { here: count, total: count }, why: null }
}

function begun() {
  const bench = new Bench()
  let rescans = 0
  const directory = join(root, 'cgroup')
  const tree = { hierarchy: 'v2', directory, pids: directory, cpu: directory, cpuset: directory } as const
  const kills = new OomKills(bench.kernel, { procRoot: join(root, 'proc'), tree, rescan: () => rescans++ })
  bench.at(() => partitionAppeared(bench.kernel, ['pod', 'app']))
  const scan = (finishedAt: number, pod: number, app: number) =>
    kills.note({ system: null, partitions: [reading(['pod'], pod), reading(['pod', 'app'], app)], finishedAt })
  let pid = 100
  const isOom = (...partition: string[]) => {
    kills.startEvents()
    return kills.wasKilled(bench.process(pid++, { partition }))
  }
  return { scan, isOom, bench, rescansNow: () => rescans }
}

test('as many processes as the count rose by were killed for memory, and no kill before the first scan counts', () => {
  countIs('pod/app', 3)
  const { scan, isOom } = begun()
  expect(isOom('pod', 'app')).toBe(false)
  scan(1000, 3, 3)
  expect(isOom('pod', 'app')).toBe(false)
  countIs('pod/app', 5)
  expect([isOom('pod', 'app'), isOom('pod', 'app'), isOom('pod', 'app')]).toEqual([true, true, false])
})

test('a kill that a scan saw before the end of its process is attributed, but not for ever', () => {
  countIs('pod/app', 0)
  const { scan, isOom } = begun()
  scan(1000, 0, 0)
  countIs('pod/app', 2)
  scan(2000, 2, 2)
  expect(isOom('pod', 'app')).toBe(true)
  scan(11_000, 2, 2)
  scan(13_000, 2, 2)
  expect(isOom('pod', 'app')).toBe(false)
})

test('a kill in a cgroup explains the counts of the cgroups around it', () => {
  for (const place of ['pod', 'pod/app'] as const) countIs(place, 0)
  const { scan, isOom } = begun()
  scan(1000, 0, 0)
  for (const place of ['pod', 'pod/app'] as const) countIs(place, 1)
  expect([isOom('pod', 'app'), isOom('pod')]).toEqual([true, false])
})

test('a cgroup that was made again counts from zero', () => {
  countIs('pod/app', 4)
  const { scan, isOom } = begun()
  scan(1000, 4, 4)
  countIs('pod/app', 1)
  scan(2000, 4, 1)
  expect([isOom('pod', 'app'), isOom('pod', 'app')]).toEqual([true, false])
})

test('without a count of its cgroup, that of the machine decides', () => {
  countIs('machine', 0)
  const { scan, isOom } = begun()
  scan(1000, 0, 0)
  countIs('machine', 1)
  expect([isOom(), isOom(), isOom('gone')]).toEqual([true, false, false])
})

test('a kill that a threshold watches is read at once, at most once a second', () => {
  countIs('pod/app', 0)
  const { scan, isOom, bench, rescansNow } = begun()
  scan(1000, 0, 0)
  countIs('pod/app', 5)
  expect([isOom('pod', 'app'), rescansNow()]).toEqual([true, 0])
  bench.put(bench.kernel.system, 'oom-kills', 'any', { on: 'change' })
  expect([isOom('pod', 'app'), rescansNow()]).toEqual([true, 1])
  expect([isOom('pod', 'app'), rescansNow()]).toEqual([true, 1])
  for (let passed = 0; passed < 1000; passed++) bench.at(() => {})
  expect([isOom('pod', 'app'), rescansNow()]).toEqual([true, 2])
})

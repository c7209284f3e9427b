/** Attribution of the kernel's counts of kills to processes that ended by SIGKILL. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { partitionAppeared } from '../../../../src/kernel/observations.ts'
import type { PartitionReading } from '../../../../src/sources/linux/container-readings.ts'
import { OomKills } from '../../../../src/sources/linux/processes/oom-kills.ts'
import type { ProcessEvent } from '../../../../src/sources/linux/protocol.ts'
import { Bench } from '../../../kernel/support.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'introspectd-oom-'))
  for (const directory of ['cgroup/pod/app', 'proc']) mkdirSync(join(root, directory), { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true }))

function countIs(place: 'pod' | 'pod/app' | 'machine', count: number): void {
  const files =
    place === 'machine' ? ['proc/vmstat'] : ['events', 'oom_control'].map((n) => `cgroup/${place}/memory.${n}`)
  for (const file of files) writeFileSync(join(root, file), `low 0\noom 9\noom_kill ${count}\n`)
}

function reading(names: readonly string[], count: number): PartitionReading {
  const sources = { memory: 0, threads: 0, cpu: 0 }
  const maxima = { memoryMax: null, memoryFree: null, threadsMax: null, cpuMax: null }
  return {
    names,
    memory: 0,
    reclaimable: 0,
    ...maxima,
    sources,
    inode: 1,
    oomKills: { here: count, total: count },
    why: null,
  }
}

function killed(pid: number): ProcessEvent {
  return { what: 'exit', pid, tid: pid, code: null, signal: 'SIGKILL', at: 2000 }
}

function begun(hierarchy: 'memory' | 'v2' = 'v2') {
  const bench = new Bench()
  let rescans = 0
  const directory = join(root, 'cgroup')
  const tree = { hierarchy, directory, pids: directory, cpu: directory, cpuset: directory, pressure: null } as const
  const kills = new OomKills(bench.kernel, { procRoot: join(root, 'proc'), tree, rescan: () => rescans++ })
  bench.at(() => partitionAppeared(bench.kernel, ['pod', 'app']))
  const scan = (finishedAt: number, pod: number, app: number) =>
    kills.note({ system: null, partitions: [reading(['pod'], pod), reading(['pod', 'app'], app)], finishedAt })
  let pid = 100
  const isOom = (...partition: string[]) => {
    kills.startEvents()
    return kills.wasKilled(bench.process(pid++, { partition }))
  }
  /** Whether each is, of processes that end together. */
  const areOom = (...partitions: string[][]) => {
    const processes = partitions.map((partition) => bench.process(pid++, { partition }))
    kills.startEvents(processes.map((process) => killed(process.pid)))
    const answers = processes.map((process) => kills.wasKilled(process))
    kills.finishEvents()
    return answers
  }
  const strangerEnds = () => {
    kills.startEvents([killed(pid++)])
    kills.finishEvents()
  }
  return { kills, scan, isOom, areOom, strangerEnds, bench, rescansNow: () => rescans }
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

test.each(['memory', 'v2'] as const)(
  'a kill of a process that had moved is not that of the next to end (%s)',
  (hierarchy) => {
    for (const place of ['machine', 'pod', 'pod/app'] as const) countIs(place, 0)
    const { scan, isOom } = begun(hierarchy)
    scan(1000, 0, 0)
    for (const place of ['machine', 'pod/app'] as const) countIs(place, 1)
    if (hierarchy === 'v2') countIs('pod', 1)
    // It moved to pod/app after the scan, and then memory ran out there.
    expect(isOom('old')).toBe(false)
    expect([isOom('pod', 'app'), isOom(), isOom('old')]).toEqual([false, false, false])
    scan(2000, hierarchy === 'v2' ? 1 : 0, 1)
    expect([isOom('pod', 'app'), isOom('pod'), isOom()]).toEqual([false, false, false])
    // The next kill is attributed again.
    for (const place of ['machine', 'pod/app'] as const) countIs(place, 2)
    if (hierarchy === 'v2') countIs('pod', 2)
    expect([isOom('pod', 'app'), isOom('pod', 'app'), isOom()]).toEqual([true, false, false])
  },
)

test.each(['memory', 'v2'] as const)('a process that moved out is not one killed in a cgroup (%s)', (hierarchy) => {
  for (const place of ['machine', 'pod', 'pod/app'] as const) countIs(place, 0)
  const { scan, isOom } = begun(hierarchy)
  scan(1000, 0, 0)
  for (const place of ['machine', 'pod/app'] as const) countIs(place, 1)
  if (hierarchy === 'v2') countIs('pod', 1)
  expect([isOom(), isOom('gone'), isOom('pod'), isOom('pod', 'app')]).toEqual([false, false, false, false])
})

test('processes that end together have no cause if there were fewer kills', () => {
  for (const place of ['machine', 'pod', 'pod/app'] as const) countIs(place, 0)
  const { scan, isOom, areOom } = begun()
  scan(1000, 0, 0)
  for (const place of ['machine', 'pod', 'pod/app'] as const) countIs(place, 1)
  expect(areOom(['pod', 'app'], ['pod', 'app'])).toEqual([false, false])
  expect(isOom('pod', 'app')).toBe(false)
  for (const place of ['machine', 'pod', 'pod/app'] as const) countIs(place, 3)
  expect(areOom(['pod', 'app'], ['pod', 'app'])).toEqual([true, true])
})

test('a kill is not awaited after a process ended that nobody knew, or after ends were lost', () => {
  countIs('pod/app', 0)
  const { kills, scan, isOom, strangerEnds } = begun()
  scan(1000, 0, 0)
  countIs('pod/app', 1)
  strangerEnds()
  expect(isOom('pod', 'app')).toBe(false)
  countIs('pod/app', 2)
  kills.loseEvents()
  expect(isOom('pod', 'app')).toBe(false)
})

test('a scan that read a count before the latest kill does not make it count twice', () => {
  countIs('pod/app', 0)
  const { scan, isOom } = begun()
  scan(1000, 0, 0)
  countIs('pod/app', 1)
  expect(isOom('pod', 'app')).toBe(true)
  scan(2000, 0, 0)
  expect(isOom('pod', 'app')).toBe(false)
})

/** Recording of the capacities of the machine and of partitions: the least of all maxima, with its origin. */

import { expect, test } from 'vitest'
import { type LimitName, limitIndex } from '../../../../src/kernel/limits/table.ts'
import { partitionAppeared } from '../../../../src/kernel/observations.ts'
import type { PartitionReading, SystemReading } from '../../../../src/sources/linux/container-readings.ts'
import { ContainerRecorder } from '../../../../src/sources/linux/record/container-recorder.ts'
import { Demands } from '../../../../src/sources/linux/record/demands.ts'
import { showLimit } from '../../../../src/tree/show.ts'
import { Bench } from '../../../kernel/support.ts'

const machine: SystemReading = {
  memory: 6000,
  memoryFree: 4000,
  memoryReclaimable: 1000,
  whyNoMemory: null,
  memoryTotal: 10_000,
  swap: 0,
  swapTotal: 0,
  oomKills: 0,
  cpus: 2,
  processesMax: 32_768,
  threadsMax: 192_725,
  fdsMax: Number.POSITIVE_INFINITY,
}

const unlimited: PartitionReading = {
  names: ['web'],
  memory: 1000,
  reclaimable: 300,
  memoryMax: null,
  memoryFree: null,
  threadsMax: null,
  cpuMax: null,
  sources: { memory: 0, threads: 0, cpu: 0 },
  oomKills: { here: 0, total: 0 },
  inode: 1,
  why: null,
}

function recorded(system: Partial<SystemReading>, ...partitions: Partial<PartitionReading>[]) {
  const bench = new Bench()
  const { kernel } = bench
  const recorder = new ContainerRecorder(kernel, new Demands(kernel))
  const readings = partitions.map((partition) => ({ ...unlimited, ...partition }))
  bench.at(() => {
    for (const { names } of readings) partitionAppeared(kernel, names)
    recorder.record({ system: { ...machine, ...system }, partitions: readings, demanded: [], finishedAt: kernel.now })
  })
  const show = (names: readonly string[], limit: LimitName) =>
    showLimit(kernel, kernel.partition(names) ?? kernel.system, limitIndex[limit])
  return { show }
}

test.each([
  [{ threadsMax: 192_725, processesMax: 32_768 }, 32_768, 'kernel.pid_max'],
  [{ threadsMax: 23_665, processesMax: 4_194_304 }, 23_665, 'kernel.threads-max'],
])('with %j the machine has room for %i threads and processes, by %s', (maxima, capacity, capacitySource) => {
  const { show } = recorded(maxima)
  for (const limit of ['threads', 'processes'] as const)
    expect(show([], limit)).toMatchObject({ capacity, capacitySource })
})

test('in a container the maxima of its own cgroup count for the machine', () => {
  const { show } = recorded({}, { names: [], threadsMax: 100, cpuMax: 1500 })
  expect(show([], 'threads')).toMatchObject({ capacity: 100, capacitySource: '/sys' })
  expect(show([], 'processes')).toMatchObject({ capacity: 100, capacitySource: '/sys' })
  expect(show([], 'cpu')).toMatchObject({ capacity: 1500, capacitySource: '/sys' })
})

test('a partition has the least maximum on its path, with the partition that sets it', () => {
  const sources = { memory: 1, threads: 2, cpu: 0 }
  const maxima = { memoryMax: 5000, memoryFree: 3000, threadsMax: 40, cpuMax: 500 }
  const { show } = recorded({}, { names: ['pod'] }, { names: ['pod', 'app'], ...maxima, sources })
  const app = (limit: LimitName) => show(['pod', 'app'], limit)
  expect(app('memory')).toMatchObject({ capacity: 5000, capacitySource: '/sys/part/pod' })
  expect(app('memory-free')).toMatchObject({ value: 3000, capacity: 5000, capacitySource: '/sys/part/pod' })
  expect(app('threads')).toMatchObject({ capacity: 40, capacitySource: '/sys/part/pod/part/app' })
  expect(app('processes')).toMatchObject({ capacity: 40, capacitySource: '/sys/part/pod/part/app' })
  expect(app('cpu')).toMatchObject({ capacity: 500, capacitySource: '/sys' })
})

test('a partition without a maximum on its path has no capacity', () => {
  const { show } = recorded({}, {})
  for (const limit of ['memory', 'memory-free', 'threads', 'processes', 'cpu'] as const) {
    expect(show(['web'], limit).capacity).toBeNull()
    expect(show(['web'], limit)).not.toHaveProperty('capacitySource')
  }
  expect(show(['web'], 'memory-free')).toMatchObject({ value: null, unavailable: 'no maximum is set' })
})

test('a maximum above that of the machine is never reached, so that of the machine counts', () => {
  const maxima = { memoryMax: 64_000, memoryFree: 63_000, threadsMax: 1_000_000, cpuMax: 10_000 }
  const { show } = recorded({}, { ...maxima, sources: { memory: 1, threads: 1, cpu: 1 } })
  expect(show(['web'], 'memory')).toMatchObject({ capacity: 10_000, capacitySource: 'MemTotal' })
  expect(show(['web'], 'memory-free')).toMatchObject({ value: 4000, capacity: 10_000 })
  expect(show(['web'], 'threads')).toMatchObject({ capacity: 32_768, capacitySource: 'kernel.pid_max' })
  expect(show(['web'], 'cpu')).toMatchObject({ capacity: 2000, capacitySource: 'CPUs online' })
})

test('the part that can be reclaimed is shown with usage and with what is free', () => {
  const { show } = recorded({}, { memoryMax: 5000, memoryFree: 3300 })
  expect(show(['web'], 'memory')).toMatchObject({ value: 1000, reclaimable: 300 })
  expect(show(['web'], 'memory-free')).toMatchObject({ value: 3300, reclaimable: 300 })
  expect(show([], 'memory-free')).toMatchObject({ value: 4000, reclaimable: 1000 })
  expect(show([], 'memory')).not.toHaveProperty('reclaimable')
})

test('a maximum that cannot be read leaves the capacity unknown instead of unlimited', () => {
  const { show } = recorded({}, { memoryMax: Number.NaN, threadsMax: Number.NaN })
  expect(show(['web'], 'threads').capacity).toBeNull()
  expect(show(['web'], 'memory-free').unavailable).toMatch(/cannot be read/)
})

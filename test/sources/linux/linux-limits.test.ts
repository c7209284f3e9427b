/** The Linux source derives from the tables of limits and rlimits which readings it takes. */

import { describe, expect, test } from 'vitest'
import type { LimitRow } from '../../../src/kernel/limits/limit-row.ts'
import { limits } from '../../../src/kernel/limits/table.ts'
import { linuxAbilities } from '../../../src/sources/linux/abilities.ts'
import {
  capacityLevels,
  capacityRlimits,
  feedAt,
  linuxReading,
  type ScannedLimit,
  scannedLimits,
  statusLimits,
} from '../../../src/sources/linux/linux-limits.ts'
import { locksBit } from '../../../src/sources/linux/protocol.ts'
import * as plan from '../../../src/sources/linux/scan/scan-plan.ts'

const namesIn = (mask: number): ScannedLimit[] =>
  scannedLimits.filter((limit) => (mask & plan.bitOf(limit)) !== 0).sort()

describe('masks', () => {
  test('each file of /proc has the limits that are read from it', () => {
    expect(namesIn(plan.statmMask)).toEqual(['address-space', 'data-pages', 'memory'])
    expect(namesIn(plan.statusMask)).toEqual(expect.arrayContaining(['memlock', 'signals']))
    expect(namesIn(plan.stackMask)).toEqual(['stack', 'stack-size'])
    expect(namesIn(plan.cpuMask)).toEqual(['cpu', 'cpu-time'])
    expect(namesIn(plan.threadMask)).toEqual(['cpu', 'cpu-time', 'stack', 'stack-size'])
    expect(namesIn(plan.fdTableMask)).toEqual(['channels', 'connections', 'file-size', 'server-ids'])
  })

  test('limits that can change at rest are read even if no thread ran', () => {
    expect(namesIn(plan.restMask)).toEqual(expect.arrayContaining(['address-space', 'data-pages', 'memory', 'signals']))
    expect(namesIn(plan.restMask & (plan.fdTableMask | plan.threadMask))).toEqual([])
    expect(namesIn(plan.ranMask)).toEqual(
      scannedLimits.filter((limit) => limit !== 'fds' && (plan.restMask & plan.bitOf(limit)) === 0).sort(),
    )
    expect(plan.ranMask & locksBit).toBe(locksBit)
  })

  test('every scanned limit has a bit below that of the locks', () => {
    expect(plan.everythingMask).toBe(locksBit - 1)
    expect(scannedLimits.length).toBeGreaterThanOrEqual(15)
  })
})

test('limits that are counted, or that have no reading, are not scanned', () => {
  const others = limits.map(({ name }) => name).filter((name) => !(scannedLimits as readonly string[]).includes(name))
  expect(others).toEqual([
    'memory-free',
    'threads',
    'processes',
    'children',
    'mutexes',
    'oom-kills',
    'pressure-cpu',
    'pressure-memory',
    'pressure-io',
    'restarts',
  ])
  expect(linuxReading('mutexes')).toBe(null)
})

test('memory has a feed of its own at each level, and sums have one at their home only', () => {
  expect((['process', 'partition', 'system'] as const).map((level) => feedAt('memory', level))).toEqual([
    'statm',
    'cgroup',
    'meminfo',
  ])
  expect(feedAt('fds', 'process')).toBe('fd-size')
  expect(feedAt('fds', 'system')).toBe(null)
  expect(feedAt('mutexes', 'thread')).toBe(null)
})

test('a limit with a line of status has status for its feed', () => {
  expect(statusLimits).toContainEqual({ name: 'memlock', status: { line: 'VmLck', unit: 'kB' } })
  for (const { linux } of limits as readonly LimitRow[])
    if ('from' in linux && linux.status !== undefined) expect(linux.from).toBe('status')
})

test('capacities are read where the tables say so', () => {
  expect(capacityRlimits.map(({ limit }) => limit).sort()).toEqual(
    ['address-space', 'cpu-time', 'data-pages', 'fds', 'file-size', 'memlock'].sort(),
  )
  const capacities = Object.fromEntries(limits.map(({ name }) => [name, capacityLevels(name)]))
  expect(Object.fromEntries(Object.entries(capacities).filter(([, at]) => at.length > 0))).toEqual({
    fds: ['process', 'system'],
    'address-space': ['process'],
    'data-pages': ['process'],
    memlock: ['process'],
    'cpu-time': ['process'],
    stack: ['thread'],
    memory: ['partition', 'system'],
    'memory-free': ['partition', 'system'],
    processes: ['partition', 'system'],
    threads: ['partition', 'system'],
    cpu: ['partition', 'system'],
    'file-size': ['process'],
    swap: ['system'],
    zombies: ['system'],
    'pressure-cpu': ['partition', 'system'],
    'pressure-memory': ['partition', 'system'],
    'pressure-io': ['partition', 'system'],
  })
})

test('mutexes are unavailable with a reason', () => {
  const { unavailable } = linuxAbilities({ fastMs: 25, fullMs: 1000, birthsReported: true })
  expect(Object.keys(unavailable)).toEqual(['mutexes'])
})

/** The table of rlimits: names, units, Linux numbers, and the capacities they set. */

import { expect, test } from 'vitest'
import {
  capacityOfRlimit,
  isRlimitName,
  type RlimitRow,
  rlimitNames,
  rlimitOf,
  rlimitRow,
  rlimits,
} from '../../../src/kernel/limits/rlimits.ts'
import { limitIndex, limits } from '../../../src/kernel/limits/table.ts'

const rows: readonly RlimitRow[] = rlimits

test('no two rlimits share a name, a limit, a Linux number or a line of /proc', () => {
  const isUnique = (values: readonly unknown[]) => new Set(values).size === values.length
  const onLinux = rows.flatMap(({ linux }) => linux ?? [])
  expect(isUnique(rlimitNames)).toBe(true)
  expect(isUnique(rows.flatMap(({ limit }) => limit ?? []))).toBe(true)
  expect(isUnique(onLinux.map(({ resource }) => resource))).toBe(true)
  expect(isUnique(onLinux.map(({ title }) => title))).toBe(true)
})

test('each limit has one rlimit or none', () => {
  expect(rlimitOf('fds')).toBe('nofile')
  expect(rlimitOf('channels')).toBe(null)
  const paired = limits.filter(({ name }) => rlimitOf(name) !== null).map(({ name }) => name)
  expect(paired).toHaveLength(rows.filter(({ limit }) => limit !== null).length)
  for (const name of paired) expect(rlimitRow(rlimitOf(name)!).limit).toBe(name)
})

test('an rlimit is found by its POSIX name only', () => {
  expect(isRlimitName('nofile')).toBe(true)
  expect(isRlimitName('RLIMIT_NOFILE')).toBe(false)
  expect(rlimitRow('sigpending')).toBeUndefined()
})

test('a soft rlimit becomes a capacity in the unit of its limit', () => {
  expect(capacityOfRlimit(rlimitRow('cpu'), 2, 4096)).toBe(2_000_000)
  expect(capacityOfRlimit(rlimitRow('data'), 10_000, 4096)).toBe(2)
  expect(capacityOfRlimit(rlimitRow('data'), 100_000, 65_536)).toBe(1)
  expect(capacityOfRlimit(rlimitRow('as'), 10_000, 4096)).toBe(10_000)
  expect(capacityOfRlimit(rlimitRow('data'), Number.POSITIVE_INFINITY, 4096)).toBe(Number.POSITIVE_INFINITY)
  expect(limits[limitIndex['data-pages']]!.unit).toBe('pages')
})

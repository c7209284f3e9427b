/** Reading of partitions in the three layouts of cgroup hierarchies, as small trees of files. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ProcFiles } from '../../../../src/sources/linux/native/proc-files.ts'
import { cpuMaxOf, parseMaximum } from '../../../../src/sources/linux/parse/cgroup-files.ts'
import { CgroupReader } from '../../../../src/sources/linux/scan/cgroup-reader.ts'
import { findCgroupTree } from '../../../../src/sources/linux/scan/cgroup-tree.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'introspectd-cgroup-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function readerOf(files: Readonly<Record<string, string>>): CgroupReader {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), `${text}\n`)
  }
  return new CgroupReader(new ProcFiles(), findCgroupTree(root))
}

const readingsOf = (files: Readonly<Record<string, string>>) => readerOf(files).read()

const web = { names: ['web'], memory: 1000, memoryMax: 5000, threadsMax: 40, cpuMax: 500 }

const v2 = (under: string) => ({
  [`${under}cgroup.controllers`]: 'cpu memory pids',
  [`${under}web/cgroup.procs`]: '42',
  [`${under}web/memory.current`]: '1000',
  [`${under}web/memory.max`]: '5000',
  [`${under}web/pids.max`]: '40',
  [`${under}web/cpu.max`]: '50000 100000',
})

const v1 = {
  'memory/web/cgroup.procs': '42',
  'memory/web/memory.usage_in_bytes': '1000',
  'memory/web/memory.limit_in_bytes': '5000',
  'pids/web/cgroup.procs': '42',
  'pids/web/pids.max': '40',
  'cpu,cpuacct/web/cgroup.procs': '42',
  'cpu,cpuacct/web/cpu.cfs_quota_us': '50000',
  'cpu,cpuacct/web/cpu.cfs_period_us': '100000',
}

/** A container of a pod: the limits stand at the pod, in a cgroup around the container's. */
const nestedV2 = (under: string) => ({
  [`${under}cgroup.controllers`]: 'cpu memory pids',
  [`${under}pod/memory.current`]: '4000',
  [`${under}pod/memory.max`]: '5000',
  [`${under}pod/memory.high`]: 'max',
  [`${under}pod/pids.max`]: '40',
  [`${under}pod/cpu.max`]: '50000 100000',
  [`${under}pod/app/cgroup.procs`]: '42',
  [`${under}pod/app/memory.current`]: '1000',
  [`${under}pod/app/memory.max`]: 'max',
  [`${under}pod/app/pids.max`]: '100',
  [`${under}pod/app/cpu.max`]: 'max 100000',
})

const nestedV1 = {
  'memory/pod/memory.usage_in_bytes': '4000',
  'memory/pod/memory.limit_in_bytes': '5000',
  'memory/pod/app/cgroup.procs': '42',
  'memory/pod/app/memory.usage_in_bytes': '1000',
  'memory/pod/app/memory.limit_in_bytes': '9223372036854771712',
  'pids/pod/pids.max': '40',
  'pids/pod/app/cgroup.procs': '42',
  'pids/pod/app/pids.max': 'max',
  'cpu/pod/cpu.cfs_quota_us': '50000',
  'cpu/pod/cpu.cfs_period_us': '100000',
  'cpu/pod/app/cgroup.procs': '42',
  'cpu/pod/app/cpu.cfs_quota_us': '-1',
  'cpu/pod/app/cpu.cfs_period_us': '100000',
}

describe('the limits of a partition are the least of those on the path to the root', () => {
  test.each([
    ['version 2', nestedV2('')],
    ['hybrid with the controllers in version 2', nestedV2('unified/')],
    ['version 1', nestedV1],
  ])('in %s, with the cgroup that sets them', (_, files) => {
    const inner = { memoryMax: 5000, memoryFree: 1000, threadsMax: 40, cpuMax: 500 }
    expect(readingsOf(files).at(-1)).toMatchObject({
      names: ['pod', 'app'],
      memory: 1000,
      ...inner,
      sources: { memory: 1, threads: 1, cpu: 1 },
    })
  })

  test('a smaller limit of the partition itself counts', () => {
    const own = { 'pod/app/memory.max': '4500', 'pod/app/pids.max': '7', 'pod/app/cpu.max': '10000 100000' }
    expect(readingsOf({ ...nestedV2(''), ...own }).at(-1)).toMatchObject({
      ...{ memoryMax: 4500, memoryFree: 1000, threadsMax: 7, cpuMax: 100 },
      sources: { memory: 2, threads: 2, cpu: 2 },
    })
  })

  test('memory.high counts as memory.max does', () => {
    const high = { 'pod/memory.high': '4200' }
    expect(readingsOf({ ...nestedV2(''), ...high })).toMatchObject([
      { names: ['pod'], memoryMax: 4200, memoryFree: 200 },
      { names: ['pod', 'app'], memoryMax: 4200, memoryFree: 200, sources: { memory: 1 } },
    ])
  })

  test('the root of a container has limits too, and is reported with them', () => {
    const root = { 'memory.current': '4500', 'memory.max': '6000', 'pids.max': '30', 'cpu.max': '20000 100000' }
    expect(readingsOf({ ...nestedV2(''), ...root })).toMatchObject([
      { names: [], threadsMax: 30, cpuMax: 200 },
      { names: ['pod'], memoryMax: 5000, threadsMax: 30, cpuMax: 200, sources: { memory: 1, threads: 0, cpu: 0 } },
      { names: ['pod', 'app'], threadsMax: 30, cpuMax: 200, sources: { memory: 1, threads: 0, cpu: 0 } },
    ])
  })

  test('a limit that is not a number makes the least of them unknown, also below', () => {
    const odd = { 'pod/pids.max': '', 'pod/memory.max': '' }
    expect(readingsOf({ ...nestedV2(''), ...odd })).toMatchObject([
      { threadsMax: Number.NaN, memoryMax: Number.NaN, memoryFree: null },
      { threadsMax: Number.NaN, memoryMax: Number.NaN, memoryFree: null },
    ])
  })
})

describe('a set of CPUs', () => {
  const sets = (of: (directory: string) => string) => ({
    [of('')]: '0-7',
    [of('pod/')]: '0-2,5',
    [of('pod/app/')]: '0-2,5',
  })
  const setsV2 = sets((directory) => `${directory}cpuset.cpus.effective`)
  const setsV1 = sets((directory) => `cpuset/${directory}cpuset.effective_cpus`)
  const noTime = { 'pod/cpu.max': 'max 100000' }

  test('is a maximum if it is smaller than the set around it', () => {
    expect(readingsOf({ ...nestedV2(''), ...noTime, ...setsV2 })).toMatchObject([
      { names: ['pod'], cpuMax: 4000, sources: { cpu: 1 } },
      { names: ['pod', 'app'], cpuMax: 4000, sources: { cpu: 1 } },
    ])
  })

  test('counts beside a maximum of time: the least of both', () => {
    const more = { 'pod/app/cpu.max': '900000 100000', 'pod/app/cpuset.cpus.effective': '2' }
    const files = { ...nestedV2(''), ...setsV2, 'pod/cpu.max': '600000 100000', ...more }
    expect(readingsOf(files)).toMatchObject([
      { cpuMax: 4000, sources: { cpu: 1 } },
      { cpuMax: 1000, sources: { cpu: 2 } },
    ])
    expect(readingsOf({ ...files, 'pod/cpu.max': '50000 100000' }).at(-1)).toMatchObject({
      cpuMax: 500,
      sources: { cpu: 1 },
    })
  })

  test('in version 1 counts where it has the same processes', () => {
    const unlimited = { 'cpu/pod/cpu.cfs_quota_us': '-1' }
    const files = { ...nestedV1, ...setsV1, ...unlimited, 'cpuset/pod/app/cgroup.procs': '42' }
    expect(readingsOf(files).at(-1)).toMatchObject({ cpuMax: 4000 })
    expect(readingsOf({ ...files, 'cpuset/pod/app/cgroup.procs': '43' }).at(-1)).toMatchObject({ cpuMax: null })
  })

  test('is no maximum if it has all CPUs or is not known', () => {
    for (const set of ['0-7', '', 'odd'])
      expect(readingsOf({ ...nestedV2(''), ...noTime, ...setsV2, 'pod/cpuset.cpus.effective': set })[0]).toMatchObject({
        cpuMax: null,
      })
  })
})

describe('page cache of a partition', () => {
  const cacheV2 = 'anon 600\nfile 3300\nshmem 100\ninactive_file 3000\nactive_file 200\nslab_reclaimable 50'
  const cacheV1 =
    'cache 1\ninactive_file 1\nactive_file 1\ntotal_cache 3300\ntotal_inactive_file 3000\ntotal_active_file 200'

  test.each([
    ['version 2', { ...nestedV2(''), 'pod/memory.stat': cacheV2 }, 3250],
    ['version 1', { ...nestedV1, 'memory/pod/memory.stat': cacheV1 }, 3200],
  ])('counts as free in %s, and is shown', (_, files, reclaimable) => {
    expect(readingsOf(files)).toMatchObject([
      { names: ['pod'], memory: 4000, reclaimable, memoryFree: 1000 + reclaimable },
      { names: ['pod', 'app'], memory: 1000, reclaimable: 0, memoryFree: 1000 + reclaimable },
    ])
  })

  test('is read again near the limit, where other memory replaces it while the usage stays the same', () => {
    const full = { ...nestedV2(''), 'pod/memory.current': '5000', 'pod/memory.stat': cacheV2 }
    const reader = readerOf(full)
    expect(reader.read()[0]).toMatchObject({ memory: 5000, reclaimable: 3250, memoryFree: 3250 })
    writeFileSync(join(root, 'pod/memory.stat'), 'anon 4900\ninactive_file 100\n')
    expect(reader.read()[0]).toMatchObject({ memory: 5000, reclaimable: 100, memoryFree: 100 })
  })

  test('is never more than the usage, which may be newer', () => {
    const files = { ...nestedV2(''), 'pod/memory.stat': 'anon 0\ninactive_file 4100' }
    expect(readingsOf(files)).toMatchObject([{ memory: 4000, reclaimable: 4000, memoryFree: 5000 }, {}])
  })
})

describe('the usage and limits of a partition', () => {
  test.each([
    ['version 2', v2('')],
    ['hybrid with the controllers in version 2', v2('unified/')],
    ['version 1', v1],
    ['hybrid with the controllers in version 1', { ...v1, 'unified/cgroup.controllers': 'hugetlb' }],
  ])('are read in %s', (_, files) => {
    expect(readingsOf(files)).toMatchObject([web])
  })

  test('are null for limits that are not set', () => {
    const unset = { 'web/memory.max': 'max', 'web/pids.max': 'max', 'web/cpu.max': 'max 100000' }
    expect(readingsOf({ ...v2(''), ...unset })).toMatchObject([{ memoryMax: null, threadsMax: null, cpuMax: null }])
  })

  test('are null for limits that are not set in version 1', () => {
    const unset = {
      'memory/web/memory.limit_in_bytes': '9223372036854771712',
      'pids/web/pids.max': 'max',
      'cpu,cpuacct/web/cpu.cfs_quota_us': '-1',
    }
    expect(readingsOf({ ...v1, ...unset })).toMatchObject([{ memoryMax: null, threadsMax: null, cpuMax: null }])
  })

  test('are not taken from the same path of another version 1 hierarchy with other processes', () => {
    const others = { 'pids/web/cgroup.procs': '43', 'cpu,cpuacct/web/cgroup.procs': '' }
    expect(readingsOf({ ...v1, ...others })).toMatchObject([{ memory: 1000, threadsMax: null, cpuMax: null }])
  })
})

test.each([
  ['max 100000', null, null],
  ['150000 100000', null, 1500],
  ['-1', '100000', null],
  ['25000', '50000', 500],
  [null, null, null],
  ['nonsense', null, null],
])('cpu.max %j with the period %j is %j permille', (quota, period, permille) => {
  expect(cpuMaxOf(quota, period)).toBe(permille)
})

test.each([
  ['5000\n', 5000],
  ['0', 0],
  ['max\n', Number.POSITIVE_INFINITY],
  ['9223372036854771712\n', Number.POSITIVE_INFINITY],
  ['18446744073709551615\n', Number.POSITIVE_INFINITY],
  ['', Number.NaN],
  ['\n', Number.NaN],
  ['-1\n', Number.NaN],
  ['12 13\n', Number.NaN],
  ['maximum', Number.NaN],
])('the maximum %j is %d', (text, maximum) => {
  expect(parseMaximum(Buffer.from(text), text.length)).toBe(maximum)
})

test('beyond the largest number, partitions are not read, and that is reported until there are fewer', () => {
  const reports: string[] = []
  const degrading = {
    degraded: (what: string, reason: string) => reports.push(`${what}: ${reason}`),
    recovered: (what: string) => reports.push(`${what} recovered`),
  }
  readerOf(v2(''))
  for (const name of ['a', 'b', 'c']) mkdirSync(join(root, 'web', name))
  const reader = new CgroupReader(new ProcFiles(), findCgroupTree(root), { max: 3, degrading })
  expect(reader.read()).toHaveLength(3)
  expect(reports).toEqual(['partitions: there are 3 partitions or more: no others are read'])
  // The upper ones come first, so one user cannot push out those of others.
  mkdirSync(join(root, 'other'))
  expect(reader.read().map(({ names }) => names.join('/'))).toEqual(expect.arrayContaining(['other', 'web']))
  for (const name of ['a', 'b']) rmSync(join(root, 'web', name), { recursive: true })
  rmSync(join(root, 'other'), { recursive: true })
  expect(reader.read()).toHaveLength(2)
  expect(reports.at(-1)).toBe('partitions recovered')
})

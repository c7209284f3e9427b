/** Reading of partitions in the three layouts of cgroup hierarchies, as small trees of files. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ProcFiles } from '../../../../src/sources/linux/native/proc-files.ts'
import { cpuMaxOf } from '../../../../src/sources/linux/scan/cgroup-maxima.ts'
import { CgroupReader, findCgroupTree } from '../../../../src/sources/linux/scan/cgroup-reader.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'introspectd-cgroup-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function readingsOf(files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), `${text}\n`)
  }
  return new CgroupReader(new ProcFiles(), findCgroupTree(root)).read()
}

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

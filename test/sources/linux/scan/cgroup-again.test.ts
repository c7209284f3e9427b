/** Reading of cgroups that are removed and made again under the same name between two scans. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { ProcFile, ProcFiles } from '../../../../src/sources/linux/native/proc-files.ts'
import { CgroupReader } from '../../../../src/sources/linux/scan/cgroup-reader.ts'
import { findCgroupTree } from '../../../../src/sources/linux/scan/cgroup-tree.ts'
import { Cgroups } from '../../../support/cgroups.ts'

const cgroups = new Cgroups()
const files = new ProcFiles()
afterEach(() => {
  cgroups.removeAll()
  files.closeAll()
})

const mebibyte = 2 ** 20

test.skipIf(process.getuid?.() !== 0)('a cgroup that is removed and made again has the maxima of the new one', () => {
  const name = `introspectd again ${process.pid}`
  const controllers = ['memory', 'pids', 'cpu'] as const
  const reader = new CgroupReader(files, findCgroupTree('/sys/fs/cgroup'))
  const read = () => reader.read().find(({ names }) => names.join('/') === name)
  cgroups.make([name], controllers)
  cgroups.limit('memory', [name], 64 * mebibyte)
  cgroups.limit('pids', [name], 50)
  cgroups.limit('cpu', [name], cgroups.isUnified ? '150000 100000' : 150_000)
  // From the second reading on, the files are held open.
  for (let scan = 0; scan < 3; scan++)
    expect(read()).toMatchObject({ memoryMax: 64 * mebibyte, threadsMax: 50, cpuMax: 1500 })
  for (const quota of [1, 2, 3]) {
    cgroups.remove([name], controllers)
    cgroups.make([name], controllers)
    cgroups.limit('memory', [name], quota * mebibyte)
    cgroups.limit('pids', [name], quota)
    cgroups.limit('cpu', [name], cgroups.isUnified ? `${quota}00000 100000` : quota * 100_000)
    for (let scan = 0; scan < 2; scan++)
      expect(read()).toMatchObject({
        memory: expect.any(Number),
        memoryMax: quota * mebibyte,
        threadsMax: quota,
        cpuMax: quota * 1000,
        why: null,
      })
  }
})

test('a directory that is removed and made again has the content of the new one, though files of the former can still be read', () => {
  const root = mkdtempSync(join(tmpdir(), 'introspectd-cgroup-'))
  const fill = (maximum: number) => {
    mkdirSync(join(root, 'web'))
    for (const [name, text] of [
      ['memory.current', '1000'],
      ['memory.max', String(maximum)],
    ] as const)
      writeFileSync(join(root, 'web', name), `${text}\n`)
  }
  try {
    writeFileSync(join(root, 'cgroup.controllers'), 'memory\n')
    fill(5000)
    const reader = new CgroupReader(files, findCgroupTree(root))
    for (let scan = 0; scan < 3; scan++) expect(reader.read()).toMatchObject([{ memoryMax: 5000 }])
    // Another directory at the same time has another inode.
    mkdirSync(join(root, 'web', 'held'))
    rmSync(join(root, 'web'), { recursive: true })
    mkdirSync(join(root, 'other'))
    fill(6000)
    expect(reader.read().find(({ names }) => names[0] === 'web')).toMatchObject({ memoryMax: 6000 })
  } finally {
    rmSync(root, { recursive: true })
  }
})

test('a file that was held open and fails is opened again by the next reading', () => {
  const child = new ProcFile('/proc/self/task/1/stat')
  expect(files.read(child)).toBeLessThan(0)
  const directory = `introspectd lost ${process.pid}`
  cgroups.make([directory])
  const procs = new ProcFile(join(cgroups.directory('memory', directory), 'cgroup.procs'))
  expect([files.read(procs), procs.fd >= 0]).toEqual([0, true])
  cgroups.remove([directory])
  cgroups.make([directory])
  expect(files.read(procs)).toBeLessThan(0)
  expect([procs.fd, files.read(procs), procs.fd >= 0]).toEqual([-1, 0, true])
})

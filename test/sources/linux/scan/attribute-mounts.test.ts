/** Decision whether the size of an open file can be read without waiting for a server. */

import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memfdCreate } from '../../../../src/sources/linux/native/libc.ts'
import { ProcFiles } from '../../../../src/sources/linux/native/proc-files.ts'
import { AttributeMounts } from '../../../../src/sources/linux/scan/attribute-mounts.ts'
import { FdTableReader } from '../../../../src/sources/linux/scan/fd-table-reader.ts'
import { TrackedProcess } from '../../../../src/sources/linux/tracked/tracked-process.ts'

test('it can for local files and for memory, and not for file systems of other kinds', () => {
  const mounts = new AttributeMounts(new ProcFiles())
  const directory = mkdtempSync(join(tmpdir(), 'attribute-mounts-'))
  const [local, memory, other] = [
    openSync(join(directory, 'file'), 'w'),
    memfdCreate('test', 1),
    openSync('/proc/self/oom_score_adj', 'r+'),
  ]
  const seen = [local, memory, other].map((fd) => mounts.holds('/proc/self', fd, 0))
  for (const fd of [local, memory, other]) closeSync(fd)
  rmSync(directory, { recursive: true })
  expect(seen).toEqual([true, true, false])
  // It is closed by now, so nothing is known.
  expect(mounts.holds('/proc/self', local, 0)).toBe(false)
})

test('descriptors of a process with too many of them are not looked into', () => {
  const reader = new FdTableReader(new ProcFiles())
  const own = new TrackedProcess(process.pid, '/proc', { selfPid: process.pid })
  expect(reader.read(own)).toMatchObject({ isPartial: expect.any(Boolean) })
  own.fds = 100_001
  expect(reader.read(own)).toBe('it has more than 100000 descriptors: they are counted, and not looked into')
})

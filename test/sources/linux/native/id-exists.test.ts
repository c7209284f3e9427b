/** Whether a thread or process exists according to the kernel itself, because a mount option of /proc may hide it. */

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { idExists } from '../../../../src/sources/linux/native/libc.ts'

test('this process, each of its threads and the first process exist', () => {
  const tids = readdirSync('/proc/self/task').map(Number)
  expect(tids.length).toBeGreaterThan(1)
  for (const id of [process.pid, 1, ...tids]) expect([id, idExists(id)]).toEqual([id, true])
})

test('a process that has ended and was reaped does not exist', () => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  expect(idExists(pid)).toBe(false)
})

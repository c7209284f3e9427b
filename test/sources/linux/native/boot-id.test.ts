/** Tests what identifies the boot of the machine, and what is said when files of /proc are missing. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bootAgeMs } from '../../../../src/sources/linux/native/boot-age.ts'
import { readBootId } from '../../../../src/sources/linux/native/boot-id.ts'

let procRoot: string

beforeEach(() => {
  procRoot = mkdtempSync(join(tmpdir(), 'introspectd-boot-'))
})

afterEach(() => rmSync(procRoot, { recursive: true }))

test('the id of the boot is that of the kernel', () => {
  mkdirSync(join(procRoot, 'sys/kernel/random'), { recursive: true })
  writeFileSync(join(procRoot, 'sys/kernel/random/boot_id'), '1d0a7b3c-6f5e-4d2c-8b9a-0e1f2a3b4c5d\n')
  expect(readBootId(procRoot)).toEqual({ id: '1d0a7b', whyNew: null })
})

test('a kernel without an id of the boot gets another one at each start, with the reason', () => {
  const [first, second] = [readBootId(procRoot), readBootId(procRoot)]
  expect([first.id.length, first.id === second.id]).toEqual([6, false])
  expect(first.whyNew).toContain(`ENOENT: no such file or directory, open '${procRoot}/sys/kernel/random/boot_id'`)
})

test('a missing directory, and a copy of /proc without its age, are said as what they are', () => {
  expect(() => readBootId(join(procRoot, 'absent'))).toThrow(`there is no directory ${procRoot}/absent`)
  expect(() => bootAgeMs(procRoot, { isProc: false })).toThrow(`the live source needs ${procRoot}/uptime: ENOENT`)
})

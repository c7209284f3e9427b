/** Reading files of /proc within a budget of descriptors. */

import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { isGone, ProcFile, ProcFiles } from '../../../../src/sources/linux/native/proc-files.ts'

const made: ProcFiles[] = []
const filesWith = (budget: number): ProcFiles => {
  const files = new ProcFiles(budget)
  made.push(files)
  return files
}
const own = () => new ProcFile('/proc/self/stat')

afterEach(() => {
  for (const files of made.splice(0)) files.closeAll()
})

describe('files of /proc held open', () => {
  test('are read again each time', () => {
    const files = filesWith(4)
    const uptime = new ProcFile('/proc/self/schedstat')
    const first = files.bytes.toString('latin1', 0, files.read(uptime))
    const second = files.bytes.toString('latin1', 0, files.read(uptime))
    expect(files.openCount).toBe(1)
    expect(Number.parseInt(second, 10)).toBeGreaterThanOrEqual(Number.parseInt(first, 10))
  })

  test('stay within the budget, a quarter of which is reserved for armed files', () => {
    const files = filesWith(4)
    for (let count = 0; count < 8; count++) expect(files.read(own())).toBeGreaterThan(0)
    expect(files.openCount).toBe(3)
    expect(files.takeShortage()).toBeNull()
    for (let count = 0; count < 8; count++) expect(files.read(own(), true)).toBeGreaterThan(0)
    expect(files.openCount).toBe(4)
    expect(files.takeShortage()).toContain('room for 4 open files')
    expect(files.takeShortage()).toBeNull()
  })

  test('are opened for each reading when there is no budget', () => {
    const files = filesWith(0)
    expect(files.read(own(), true)).toBeGreaterThan(0)
    expect(files.stat(new ProcFile('/proc/self/fd'))).toBe(0)
    expect(files.links).toBe(2)
    expect(files.size).toBeGreaterThan(2)
    expect(files.openCount).toBe(0)
  })

  test('are held open from the requested reading on', () => {
    const files = filesWith(4)
    const file = own()
    files.read(file, true, 3)
    files.read(file, true, 3)
    expect(file.fd).toBe(-1)
    files.read(file, true, 3)
    expect(file.fd).toBeGreaterThan(0)
    files.release(file)
    expect(files.openCount).toBe(0)
  })

  test('return a negated error number when they are gone', () => {
    const files = filesWith(4)
    expect(isGone(files.read(new ProcFile('/proc/0/stat')))).toBe(true)
    expect(isGone(files.readWhole('/proc/0/maps'))).toBe(true)
    expect(isGone(files.stat(new ProcFile('/proc/0/fd')))).toBe(true)
  })

  test('are read whole when they are longer than the buffer', () => {
    const files = filesWith(0)
    files.bytes = Buffer.allocUnsafeSlow(64)
    const length = files.readWhole('/proc/self/maps')
    expect(length).toBeGreaterThan(64)
    expect(files.bytes.toString('latin1', 0, length)).toContain('[stack]')
  })

  test('are closed when descriptors run out, and held open again when some are free', () => {
    let spare = 0
    const files = new ProcFiles(8, () => spare)
    made.push(files)
    const readArmed = (count: number) => {
      for (let read = 0; read < count; read++) files.read(own(), true)
      return files.openCount
    }
    expect(readArmed(8)).toBe(8)
    const taken = exhaustDescriptors()
    try {
      expect(files.read(own(), true)).toBeGreaterThan(0)
      expect([files.openCount, files.takeShortage()]).toEqual([
        0,
        expect.stringContaining('descriptors ran out (EMFILE)'),
      ])
      // The shortage lasts.
      expect([readArmed(8), files.takeShortage()]).toEqual([0, expect.stringContaining('room for 0 open files')])
    } finally {
      taken.giveBack()
    }
    spare = 10
    files.takeShortage()
    expect(readArmed(8)).toBe(5)
    files.takeShortage()
    expect([readArmed(3), files.takeShortage()]).toEqual([8, null])
  })
})

/** Opens as many files as this process may, with a limit just above its present number. */
function exhaustDescriptors(): { giveBack(): void } {
  const limit = (...args: string[]) =>
    execFileSync('prlimit', ['--pid', String(process.pid), ...args], { encoding: 'utf8' })
  const former = limit('--nofile', '--output=SOFT', '--noheadings', '--raw').trim()
  const highest = Math.max(...readdirSync('/proc/self/fd').map(Number))
  limit(`--nofile=${highest + 20}:`)
  const opened: number[] = []
  try {
    for (;;) opened.push(openSync('/dev/null', 'r'))
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('EMFILE')) throw error
  }
  return {
    giveBack: () => {
      for (const fd of opened) closeSync(fd)
      limit(`--nofile=${former}:`)
    },
  }
}

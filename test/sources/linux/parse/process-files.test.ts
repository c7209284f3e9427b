/** Parsing of small files: status, statm, schedstat, limits, timers, cgroup and pagemap of a process, and meminfo. */

import { describe, expect, test } from 'vitest'
import { parseCgroup } from '../../../../src/sources/linux/parse/cgroup.ts'
import { parseLimits } from '../../../../src/sources/linux/parse/limits.ts'
import { parseMeminfo } from '../../../../src/sources/linux/parse/meminfo.ts'
import { lowestTouchedPage } from '../../../../src/sources/linux/parse/pagemap.ts'
import { emptySchedstat, parseSchedstat } from '../../../../src/sources/linux/parse/schedstat.ts'
import { emptyStatm, parseStatm } from '../../../../src/sources/linux/parse/statm.ts'
import { parseStatus } from '../../../../src/sources/linux/parse/status.ts'
import { countTimers } from '../../../../src/sources/linux/parse/timers.ts'

describe('status', () => {
  const text = [
    'Name:\tUid:\\n9',
    'Umask:\t0022',
    'State:\tS (sleeping)',
    'NSpid:\t812\t7\t1',
    'Uid:\t1000\t0\t1000\t1000',
    'VmLck:\t     64 kB',
    'VmStk:\t     132 kB',
    'Threads:\t12',
    '',
  ].join('\n')

  test('gives the effective user, sizes in bytes, threads and pids by namespace', () => {
    expect(parseStatus(text)).toEqual({
      uid: 0,
      threads: 12,
      locked: 65536,
      stack: 135168,
      namespacePids: [812, 7, 1],
    })
  })

  test('values that a kernel thread lacks are null, not zero', () => {
    expect(parseStatus('Name:\tkthreadd\nUid:\t0\t0\t0\t0\nThreads:\t1\n')).toMatchObject({ locked: null, stack: null })
  })

  test('an empty file gives no values', () => {
    expect(parseStatus('')).toEqual({ uid: null, threads: null, locked: null, stack: null, namespacePids: [] })
  })
})

describe('statm and schedstat', () => {
  test('statm gives size, resident and data pages', () => {
    const bytes = Buffer.from('2904 1201 900 1 0 731 0\n')
    const statm = emptyStatm()
    expect(parseStatm(bytes, bytes.length, statm)).toBe(true)
    expect(statm).toEqual({ size: 2904, resident: 1201, data: 731 })
    expect(parseStatm(bytes, 9, statm)).toBe(false)
  })

  test('schedstat gives run time, wait time and times run, exact beyond 32 bits', () => {
    const bytes = Buffer.from('9007199254740991 4685601 350\n')
    const schedstat = emptySchedstat()
    expect(parseSchedstat(bytes, bytes.length, schedstat)).toBe(true)
    expect(schedstat).toEqual({ runNs: Number.MAX_SAFE_INTEGER, waitNs: 4685601, timesRun: 350 })
    expect(parseSchedstat(bytes, 0, schedstat)).toBe(false)
    expect(parseSchedstat(Buffer.from('12 34\n'), 6, schedstat)).toBe(false)
  })
})

describe('limits', () => {
  const text = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max cpu time              unlimited            unlimited            seconds   ',
    'Max file size             unlimited            unlimited            bytes     ',
    'Max stack size            8388608              unlimited            bytes     ',
    'Max open files            1024                 524288               files     ',
    'Max nice priority         0                    0                    ',
    'Max realtime timeout      unlimited            unlimited            us        ',
    '',
  ].join('\n')

  test('have POSIX names, and Infinity for unlimited; limits that POSIX does not know are left out', () => {
    const unlimited = { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY }
    expect(parseLimits(text)).toEqual({
      cpu: unlimited,
      fsize: unlimited,
      stack: { soft: 8388608, hard: Number.POSITIVE_INFINITY },
      nofile: { soft: 1024, hard: 524288 },
    })
  })

  test('may be wider than their columns', () => {
    expect(parseLimits('Max locked memory         18446744073709551614 18446744073709551614 bytes')).toHaveProperty(
      'memlock',
    )
  })
})

describe('timers', () => {
  test('counts the timers, not their lines', () => {
    const timer = 'signal: 0/0000000000000000\nnotify: signal/pid.2634\nClockID: 1\n'
    expect(countTimers(`ID: 0\n${timer}ID: 1\n${timer}`)).toBe(2)
    expect(countTimers('')).toBe(0)
  })
})

describe('cgroup', () => {
  const no = () => false
  const hybrid = '9:name=systemd:/user.slice\n4:memory:/app/web\n8:cpu,pids:/p\n0::/unified'

  test.each([
    ['v2', ['unified']],
    ['memory', ['app', 'web']],
    ['pids', ['p']],
  ] as const)('gives the path in the %s hierarchy', (hierarchy, names) => {
    expect(parseCgroup(hybrid, hierarchy, no)).toEqual(names)
  })

  test('gives an empty list for the root, and null for a missing hierarchy', () => {
    expect(parseCgroup('0::/\n', 'v2', no)).toEqual([])
    expect(parseCgroup('0::/\n', 'memory', no)).toBeNull()
  })

  test('colons and blanks belong to the name', () => {
    expect(parseCgroup('0::/a:b/c d\n', 'v2', no)).toEqual(['a:b', 'c d'])
  })

  test('a cgroup that was removed has its name without the mark', () => {
    expect(parseCgroup('0::/gone (deleted)\n', 'v2', no)).toEqual(['gone'])
  })

  test('a cgroup whose own name ends like the mark keeps it', () => {
    const exists = (path: Buffer) => path.equals(Buffer.from('/a/b (deleted)'))
    expect(parseCgroup('0::/a/b (deleted)\n', 'v2', exists)).toEqual(['a', 'b (deleted)'])
    expect(parseCgroup('0::/a/b (deleted) (deleted)\n', 'v2', exists)).toEqual(['a', 'b (deleted)'])
  })

  test('bytes that are not UTF-8 are escaped, and others decoded', () => {
    const bytes = Buffer.from([...Buffer.from('0::/ü/a'), 0xff, 0xfe, ...Buffer.from('b (deleted)\n')])
    const exists = (path: Buffer) => path.equals(bytes.subarray(3, -1))
    expect(parseCgroup(bytes.toString('latin1'), 'v2', exists)).toEqual(['ü', 'a\\xff\\xfeb (deleted)'])
  })

  test('a path that leads outside our namespace names nothing', () => {
    expect(parseCgroup('0::/../sibling\n', 'v2', no)).toBeNull()
  })
})

describe('meminfo', () => {
  test('gives bytes, and null for a missing line', () => {
    expect(parseMeminfo('MemTotal:       24683656 kB\nMemFree: 1 kB\nMemAvailable:   24282528 kB\n')).toEqual({
      total: 24683656 * 1024,
      available: 24282528 * 1024,
      free: 1024,
      swapTotal: null,
      swapFree: null,
    })
    expect(parseMeminfo('SwapTotal: 8 kB\nSwapFree: 5 kB\n')).toMatchObject({ swapTotal: 8192, swapFree: 5120 })
    expect(parseMeminfo('MemTotal: 5 kB\n').available).toBeNull()
  })
})

describe('pagemap', () => {
  const words = (...highBytes: number[]) => Buffer.from(highBytes.flatMap((high) => [1, 2, 3, 4, 5, 6, 7, high]))

  test('gives the lowest page that is present or swapped out', () => {
    expect(lowestTouchedPage(words(0, 0, 0x80, 0x80), 32)).toBe(2)
    expect(lowestTouchedPage(words(0x40, 0), 16)).toBe(0)
    expect(lowestTouchedPage(words(0x21, 0x01), 16)).toBe(-1)
    expect(lowestTouchedPage(words(0, 0x80), 8)).toBe(-1)
  })
})

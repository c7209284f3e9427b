/** Parsers of the live source with any input: none throws, and each number is one that can be counted, or unknown. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { statusLimits } from '../../../../src/sources/linux/linux-limits.ts'
import { textOfBytes } from '../../../../src/sources/linux/parse/byte-text.ts'
import { parseCgroup } from '../../../../src/sources/linux/parse/cgroup.ts'
import {
  cpuMaxOf,
  parseMaximum,
  parseOomKills,
  parseReclaimable,
} from '../../../../src/sources/linux/parse/cgroup-files.ts'
import { parseConnectorMessage } from '../../../../src/sources/linux/parse/connector.ts'
import { parseLimits } from '../../../../src/sources/linux/parse/limits.ts'
import { findMainStack, findPlace, findVmas, mapsShared } from '../../../../src/sources/linux/parse/maps.ts'
import { parseMeminfo } from '../../../../src/sources/linux/parse/meminfo.ts'
import { localDevicesOf } from '../../../../src/sources/linux/parse/mountinfo.ts'
import { parseProcOptions } from '../../../../src/sources/linux/parse/proc-options.ts'
import { emptySchedstat, parseSchedstat } from '../../../../src/sources/linux/parse/schedstat.ts'
import { handlesSignals, parsePendingSignals } from '../../../../src/sources/linux/parse/signals.ts'
import { parseDump, socketFamilies } from '../../../../src/sources/linux/parse/sock-diag.ts'
import { emptyStat, nameOfStat, parseStat } from '../../../../src/sources/linux/parse/stat.ts'
import { emptyStatm, parseStatm } from '../../../../src/sources/linux/parse/statm.ts'
import { parseStatus, parseStatusLine } from '../../../../src/sources/linux/parse/status.ts'
import { emptySystemCall, parseSyscall } from '../../../../src/sources/linux/parse/syscall.ts'
import { parseAnswer, parseFamily } from '../../../../src/sources/linux/parse/taskstats.ts'
import { countTimers } from '../../../../src/sources/linux/parse/timers.ts'

/** A number as a kernel may print it, and some that no kernel should. */
const word = fc.oneof(
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 65n }).map(String),
  fc.constantFrom('9007199254740991', '9007199254740992', '9223372036854775807', '18446744073709551615', 'unlimited'),
  fc.constantFrom('', '-', '-1', '0', '00', '1e9', '0x7fff', 'NaN', 'max', '0.5', '(', ')', 'kB', '::', '/../x', '\0'),
  fc.string({ maxLength: 12 }),
)
const seconds = fc.array(word, { maxLength: 60 }).map((words) => words.join(' '))

/** A text of a real form in which some numbers are replaced, words removed, or the end is cut off. */
function damaged(sample: string): fc.Arbitrary<string> {
  const parts = sample.split(/(\d+)/)
  const numbers = fc.array(fc.option(word, { freq: 4 }), { minLength: parts.length, maxLength: parts.length })
  return fc.tuple(numbers, fc.nat(sample.length * 2)).map(([replaced, end]) =>
    parts
      .map((part, place) => (place % 2 === 1 ? (replaced[place] ?? part) : part))
      .join('')
      .slice(0, end),
  )
}

const samples = {
  stat: `42 (we) ird) S 7 1 1 0 -1 4194304 ${'0 '.repeat(8)}20 0 2 0 1234 4096000 100 1`,
  status:
    'Name:\tx\nUid:\t1001\t1001\t1001\t1001\nThreads:\t3\nNSpid:\t42\t1\nVmLck:\t       8 kB\nVmStk:\t 132 kB\n' +
    'SigQ:\t3/100\nSigPnd:\t0000000000000001\nShdPnd:\t8000000000000000\nSigCgt:\t0000000180000000\n',
  limits:
    'Max open files            1024                 4096                 files     \nMax cpu time   10  unlimited  seconds\n',
  meminfo: 'MemTotal:       1000000 kB\nMemFree:         300000 kB\nMemAvailable:    400000 kB\n',
  maps:
    '7f0000001000-7f0000801000 rw-p 00000000 00:00 0 \n7f0000801000-7f0000901000 r-xp 00001000 fe:00 42   /lib/a b\n' +
    '7ffe76f8d000-7ffe76fae000 rw-p 00000000 00:00 0                          [stack]\n',
  schedstat: '5000123 12 7\n',
  statm: '1000 200 50 1 0 300 0\n',
  syscall: '202 0x7f0055749c88 0x80 0x2 0x0 0x0 0x0 0x7f0000401000 0x7f0000001234\n',
  cgroup: '12:memory:/app/web\n3:cpu,cpuacct:/app\n0::/app/web (deleted)\n',
  mountinfo: '63 45 0:39 / /proc rw,relatime shared:1 - proc proc rw,hidepid=2,gid=7,subset=pid\n',
  memoryStat: 'anon 1\ninactive_file 4096\nactive_file 8192\nslab_reclaimable 5\noom_kill 3\n',
} as const

const texts = (name: keyof typeof samples) => fc.oneof(damaged(samples[name]), seconds, fc.string())
const bytes = (name: keyof typeof samples) =>
  fc.oneof(
    texts(name).map((text) => Buffer.from(text, 'latin1')),
    fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  )

/** Null, or a number that can be counted. */
function expectCountable(number: number | null): void {
  if (number !== null) expect(Number.isSafeInteger(number)).toBe(true)
}

const runs = { numRuns: 400 }

describe('any text', () => {
  test('stat is refused, or has a pid, a parent, a priority and a start time that is a date', () => {
    const into = emptyStat()
    fc.assert(
      fc.property(bytes('stat'), (input) => {
        if (!parseStat(input, input.length, into)) return
        for (const number of [into.pid, into.parent, into.priority, into.threads, into.startTicks])
          expect(Number.isSafeInteger(number)).toBe(true)
        expect(new Date(Date.now() + into.startTicks * 10).toISOString()).toMatch(/Z$/)
        nameOfStat(input, into)
      }),
      runs,
    )
  })

  test('status has numbers or nothing', () => {
    fc.assert(
      fc.property(texts('status'), (text) => {
        expectCountable(parseStatus(text).uid)
        for (const { status } of statusLimits) expect(parseStatusLine(text, status)).not.toBeNaN()
        const pending = parsePendingSignals(text)
        if (pending !== null) expect(pending.ofThread + pending.ofProcess).toBeLessThanOrEqual(128)
        handlesSignals(text)
      }),
      runs,
    )
  })

  test('limits have whole numbers or Infinity, and the digits of those that are larger', () => {
    fc.assert(
      fc.property(texts('limits'), (text) => {
        for (const { soft, hard, exact } of Object.values(parseLimits(text))) {
          for (const number of [soft, hard]) if (Number.isFinite(number)) expectCountable(number)
          if (exact !== undefined) expect(exact.soft + exact.hard).toMatch(/^(\d{1,20}|unlimited){2}$/)
        }
      }),
      runs,
    )
  })

  test('meminfo, cgroup files and mount options have whole numbers or nothing', () => {
    fc.assert(
      fc.property(texts('meminfo'), texts('memoryStat'), texts('mountinfo'), word, word, (mem, stat, mounts, a, b) => {
        const { total, available, free } = parseMeminfo(mem)
        for (const number of [total, available, free]) expectCountable(number)
        for (const hierarchy of ['v2', 'memory'] as const) expectCountable(parseReclaimable(stat, hierarchy))
        expectCountable(parseOomKills(stat))
        expectCountable(cpuMaxOf(`${a} ${b}`, null))
        expectCountable(cpuMaxOf(a, b))
        parseProcOptions(mounts, '/proc')
        localDevicesOf(mounts)
        countTimers(mem)
      }),
      runs,
    )
  })

  test('a maximum of a cgroup is a whole number, none, or unknown', () => {
    fc.assert(
      fc.property(word, fc.boolean(), (text, hasEnd) => {
        const input = Buffer.from(hasEnd ? `${text}\n` : text, 'latin1')
        const maximum = parseMaximum(input, input.length)
        if (Number.isFinite(maximum)) expectCountable(maximum)
        else expect(Number.isNaN(maximum) || maximum === Number.POSITIVE_INFINITY).toBe(true)
      }),
      runs,
    )
  })

  test('the place in the hierarchy is a list of names without steps upwards, or unknown', () => {
    fc.assert(
      fc.property(texts('cgroup'), fc.boolean(), (text, exists) => {
        for (const hierarchy of ['v2', 'memory', 'pids'] as const)
          expect(parseCgroup(text, hierarchy, () => exists) ?? []).not.toContain('..')
      }),
      runs,
    )
  })
})

describe('any bytes', () => {
  test('schedstat and statm are refused, or their numbers are not below zero', () => {
    const [schedstat, statm] = [emptySchedstat(), emptyStatm()]
    fc.assert(
      fc.property(bytes('schedstat'), bytes('statm'), (one, other) => {
        if (parseSchedstat(one, one.length, schedstat)) {
          expect(schedstat.runNs).toBeGreaterThanOrEqual(0)
          expectCountable(Math.floor(schedstat.runNs / 1000))
        }
        if (parseStatm(other, other.length, statm)) expect(statm.data).not.toBeNaN()
      }),
      runs,
    )
  })

  test('maps name mappings that hold the address', () => {
    const addresses = [0x1000, 0x7f00_0000_1000, 0x7f00_0080_1000, 0x7ffe_76fa_0000, 2 ** 52]
    fc.assert(
      fc.property(bytes('maps'), (input) => {
        const found = findVmas(input, input.length, addresses)
        expect(found).toHaveLength(addresses.length)
        for (const [place, vma] of found.entries())
          if (vma !== null) expect(vma.start <= addresses[place]! && addresses[place]! < vma.end).toBe(true)
        for (const address of addresses) findPlace(input, input.length, address)
        findMainStack(input, input.length)
        mapsShared(input, input.length, { device: 'fe:00', inode: '42' })
      }),
      runs,
    )
  })

  test('a system call is refused, or has a number', () => {
    const call = emptySystemCall()
    fc.assert(
      fc.property(bytes('syscall'), (input) => {
        if (parseSyscall(input, input.length, call)) expect(call.number).not.toBeNaN()
      }),
      runs,
    )
  })

  test('text has an escape in place of each invalid byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
        expect(textOfBytes(array)).not.toContain('\ufffd')
      }),
      runs,
    )
  })
})

describe('any netlink message, also one that is cut off', () => {
  /** 32-bit words, of which many are small enough to be lengths, types and flags. */
  const message = fc
    .array(fc.oneof(fc.nat(80), fc.nat(), fc.constantFrom(0x7fff_ffff, 1, 2, 3, 16, 0x30000)), { maxLength: 50 })
    .chain((words) => {
      const buffer = Buffer.alloc(words.length * 4)
      for (const [place, number] of words.entries()) buffer.writeUInt32LE(number, place * 4)
      return fc.nat(buffer.length).map((end) => buffer.subarray(0, end))
    })

  test('the proc connector: each message is refused or understood', () => {
    fc.assert(
      fc.property(message, (input) => {
        if (input.length >= 28) {
          input.writeUInt16LE(3, 4)
          input.writeUInt32LE(1, 16)
          input.writeUInt32LE(1, 20)
        }
        const event = parseConnectorMessage(input, 0, input.length)
        if (event !== null) expect(Number.isInteger(event.sequence)).toBe(true)
      }),
      runs,
    )
  })

  test('sock_diag and taskstats: each message is refused or understood', () => {
    const totals = { sequence: 0, timesRun: 0, runNs: 0 }
    fc.assert(
      fc.property(message, fc.constantFrom(...socketFamilies), (input, family) => {
        if (input.length >= 12) {
          input.writeUInt32LE(input.length, 0)
          input.writeUInt32LE(7, 8)
        }
        parseDump(input, input.length, { family, sequence: 7 }, ({ inode }) => expectCountable(inode))
        parseAnswer(input, 0, input.length, totals)
        expectCountable(parseFamily(input, input.length))
      }),
      runs,
    )
  })
})

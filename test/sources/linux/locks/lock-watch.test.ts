/** Waits and owners of locks that the scan worker reports, for programs that deadlock and for busy ones that do not. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { ServiceClock } from '../../../../src/runtime/clock.ts'
import {
  locksBit,
  type ObservedWait,
  type ScanMessage,
  type ScanReport,
} from '../../../../src/sources/linux/protocol.ts'
import { startScanner } from '../../../../src/sources/linux/workers.ts'
import type { Compiler, Program } from '../../../support/programs.ts'
import { startForTest } from '../../../support/running.ts'
import { MessageLog } from '../processes/message-log.ts'

const log = new MessageLog<ScanMessage>()
const scanner = startScanner(
  {
    procRoot: '/proc',
    cgroupRoot: '/sys/fs/cgroup',
    periodMs: 5,
    fullPeriodMs: 100,
    idleBudget: 1,
    armedBudget: 1,
    clockOffset: new ServiceClock().offset,
  },
  log.add,
  log.fail,
)

interface Running {
  /** The program itself, which another command may have started. */
  readonly pid: number
  readonly program: Program
}

async function run(
  name: string,
  args: readonly (string | number)[],
  options: { under?: readonly string[]; compiler?: Compiler } = {},
): Promise<Running> {
  const program = await startForTest(name, args, options)
  const pid = options.under === undefined ? program.pid : childOf(program.pid)
  return { pid, program }
}

const childOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ')[0])

afterEach(async () => {
  arm()
})
afterAll(() => scanner.stop())

const arm = (...pids: readonly number[]): void =>
  scanner.send({ type: 'plan', everyMask: 0, system: false, masks: new Map(pids.map((pid) => [pid, locksBit])) })

const nextReport = <Picked>(pick: (report: ScanReport) => Picked | undefined): Promise<Picked> =>
  log.next((message) => (message.type === 'scan' ? pick(message) : undefined))

/** "tid address" of each thread that waits, as the program prints them. */
async function printed({ program }: Running, count: number): Promise<{ tid: number; address: string }[]> {
  const threads = []
  for (let left = count; left > 0; left--) {
    const [tid = '', address = ''] = (await program.line()).split(' ')
    threads.push({ tid: Number(tid), address })
  }
  return threads
}

/** Maps the thread ids of the processes' own pid namespaces to the ids in ours. */
function outerTids(pids: readonly number[]): Map<number, number> {
  const tids = pids.flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((tid) => `/proc/${pid}/task/${tid}/status`))
  return new Map(
    tids.map((path) => {
      const ids = /\nNSpid:\s*(.*)\n/.exec(readFileSync(path, 'latin1'))![1]!.split('\t').map(Number)
      return [ids.at(-1)!, ids[0]!]
    }),
  )
}

const ofPids = (waits: readonly ObservedWait[], pids: readonly number[]) =>
  waits
    .filter(({ pid, isUnconfirmed }) => pids.includes(pid) && !isUnconfirmed)
    .sort((one, other) => one.tid - other.tid)

/** The waits of some processes, from the next report that has as many as expected. */
const waitsOf = (pids: readonly number[], count: number): Promise<ObservedWait[]> =>
  nextReport(({ waits }) => {
    const found = waits && ofPids(waits, pids)
    return found?.length === count ? found : undefined
  })

interface Expected {
  readonly tid: number
  readonly owner: number | null
  readonly kind?: ObservedWait['kind']
  readonly object?: string
}

/** Expects that reports have exactly these waits, if any. */
async function expectWaits(pids: readonly number[], expected: readonly Expected[]): Promise<ObservedWait[]> {
  const waits = await waitsOf(pids, expected.length)
  const seen = (rows: readonly ObservedWait[]) =>
    rows.map(({ tid, kind, object, owner }) => ({ tid, kind, object, owner: owner?.tid ?? null }))
  const rows = [...expected]
    .sort((one, other) => one.tid - other.tid)
    .map((row) => ({ kind: 'mutex', object: expect.any(String), ...row }))
  expect(seen(waits)).toEqual(rows)
  for (const message of log.messages)
    if (message.type === 'scan')
      for (const row of seen(ofPids(message.waits ?? [], pids))) expect(rows).toContainEqual(row)
  return waits
}

const ringOf = (threads: readonly { tid: number; address: string }[]): Expected[] =>
  threads.map(({ tid, address }, place) => ({
    tid,
    owner: threads[(place + 1) % threads.length]!.tid,
    object: address,
  }))

const weak = (waits: readonly ObservedWait[]) => waits.flatMap(({ evidence }) => evidence ?? [])

describe('a ring of mutexes', () => {
  test.each([
    ['normal', 2],
    ['recursive', 2],
    ['errorcheck', 2],
    ['adaptive', 2],
    ['robust', 2],
    ['robust-normal', 2],
    ['normal', 3],
    ['normal', 10],
  ] as const)('is proven as a whole for the kind %s and %i threads', async (kind, count) => {
    const running = await run('locks', ['ring', kind, count])
    const waits = await expectWaits([running.pid], ringOf(await printed(running, count)))
    expect(weak(waits)).toEqual([])
  })

  test.each([1, 2, 5])(
    'is found as a whole for %i priority-inheriting mutexes, with one wait that is only likely',
    async (count) => {
      const running = await run('locks', ['ring', 'pi', count])
      const waits = await expectWaits([running.pid], ringOf(await printed(running, count)))
      expect(weak(waits)).toEqual(['pi-stack'])
    },
  )

  test.each(['normal', 'adaptive'])(
    'is only likely for one thread and one %s mutex, which others may unlock',
    async (kind) => {
      const running = await run('locks', ['ring', kind, 1])
      expect(weak(await expectWaits([running.pid], ringOf(await printed(running, 1))))).toEqual(['own-mutex'])
    },
  )

  test('is proven for one thread and one robust mutex, which no other thread can unlock', async () => {
    const running = await run('locks', ['ring', 'robust', 1])
    expect(weak(await expectWaits([running.pid], ringOf(await printed(running, 1))))).toEqual([])
  })

  test('is found as a whole for rwlocks that writers hold, and only likely', async () => {
    const running = await run('locks', ['ring', 'rwlock', 3])
    const ring = ringOf(await printed(running, 3)).map((row) => ({ ...row, kind: 'rwlock' as const }))
    expect(weak(await expectWaits([running.pid], ring))).toEqual(['rwlock-writer', 'rwlock-writer', 'rwlock-writer'])
  })

  test('is found by fast scans when the process is armed', async () => {
    const quick = new MessageLog<ScanMessage>()
    const options = { procRoot: '/proc', cgroupRoot: '/sys/fs/cgroup', periodMs: 5, idleBudget: 1, armedBudget: 1 }
    const fast = startScanner(
      { ...options, clockOffset: new ServiceClock().offset, fullPeriodMs: 3_600_000 },
      quick.add,
      quick.fail,
    )
    await quick.until((message) => (message.type === 'scan' ? true : undefined))
    const running = await run('locks', ['ring', 'normal', 2])
    fast.send({ type: 'births', born: [running.pid], died: [] })
    fast.send({ type: 'plan', everyMask: 0, system: false, masks: new Map([[running.pid, locksBit]]) })
    await quick.until((message) =>
      message.type === 'scan' && message.kind === 'fast' && ofPids(message.waits ?? [], [running.pid]).length === 2
        ? true
        : undefined,
    )
    await fast.stop()
  })

  test('has our own thread ids when it is inside a pid namespace', async () => {
    const running = await run('locks', ['ring', 'normal', 3], { under: ['unshare', '--pid', '--fork'] })
    const threads = await printed(running, 3)
    const outer = outerTids([running.pid])
    expect(threads.map(({ tid }) => outer.get(tid))).not.toEqual(threads.map(({ tid }) => tid))
    const seen = threads.map(({ tid, address }) => ({ tid: outer.get(tid)!, address }))
    await expectWaits([running.pid], ringOf(seen))
  })
})

describe.runIf(existsSync('/usr/bin/musl-gcc'))('programs with musl', () => {
  test.each(['recursive', 'errorcheck', 'robust'])('have a proven ring of %s mutexes', async (kind) => {
    const running = await run('locks', ['ring', kind, 3], { compiler: 'musl-gcc' })
    expect(weak(await expectWaits([running.pid], ringOf(await printed(running, 3))))).toEqual([])
  })

  test.each([
    ['ring', 'normal', 2],
    ['joins', 3, 3],
  ] as const)('report nothing for %s %s, which store no owner', async (what, kind, count) => {
    const running = await run('locks', [what, kind, count], { compiler: 'musl-gcc' })
    const threads = await printed(running, count)
    await seenWaiting(threads.map(({ tid }) => tid))
    await expectNoWaits(running)
  })
})

/** Each of these threads has been classified in a futex wait, all at once or one after the other. */
async function seenWaiting(tids: readonly number[]): Promise<void> {
  const left = new Set(tids)
  await log.until((message) => {
    if (message.type !== 'scan') return undefined
    for (const { tid, on } of message.threads) if (on?.call === 'futex') left.delete(tid)
    return left.size === 0 ? true : undefined
  })
}

async function expectNoWaits({ pid }: Running, reports = 10): Promise<void> {
  for (let left = reports; left > 0; left--)
    expect(await nextReport(({ kind, waits }) => (kind === 'full' ? ofPids(waits ?? [], [pid]) : undefined))).toEqual(
      [],
    )
}

describe('two processes that share mutexes', () => {
  test.each([
    ['normal', []],
    ['recursive', []],
    ['robust', []],
    ['pi', ['pi-stack']],
  ])('wait for each other at offsets of the file (%s)', async (kind, evidence) => {
    const running = await run('locks', ['shared', kind])
    const [parent, child] = await printed(running, 2)
    const waits = await expectWaits(
      [running.pid, childOf(running.pid)],
      [
        { tid: parent!.tid, owner: child!.tid, object: expect.stringMatching(/^\S+:\S+:\d+\+0x28$/) },
        { tid: child!.tid, owner: parent!.tid, object: expect.stringMatching(/^\S+:\S+:\d+\+0x0$/) },
      ],
    )
    expect(weak(waits)).toEqual(evidence)
    expect(new Set(waits.map(({ object }) => object.split('+')[0])).size).toBe(1)
  })

  test('wait for each other inside a pid namespace too', async () => {
    const running = await run('locks', ['shared', 'normal'], { under: ['unshare', '--pid', '--fork'] })
    const threads = await printed(running, 2)
    const pids = [running.pid, childOf(running.pid)]
    const [parent, child] = threads.map(({ tid }) => outerTids(pids).get(tid)!)
    await expectWaits(pids, [
      { tid: parent!, owner: child! },
      { tid: child!, owner: parent! },
    ])
  })
})

describe('threads that join', () => {
  test('each wait for the next one in a ring', async () => {
    const running = await run('locks', ['joins', 3])
    const ring = ringOf(await printed(running, 3)).map(({ tid, owner }) => ({ tid, owner, kind: 'thread' as const }))
    await expectWaits([running.pid], ring)
  })

  test('close a cycle with a thread that wants their mutex', async () => {
    const running = await run('locks', ['mix'])
    const [owner, wanting] = await printed(running, 2)
    await expectWaits(
      [running.pid],
      [
        { tid: owner!.tid, owner: wanting!.tid, kind: 'thread' },
        { tid: wanting!.tid, owner: owner!.tid, object: wanting!.address },
      ],
    )
  })
})

test('a mutex left locked by a thread that ended has no owner to release it', async () => {
  const running = await run('locks', ['orphan'])
  const [ended, waiting] = await printed(running, 2)
  const [wait] = await expectWaits([running.pid], [{ tid: waiting!.tid, owner: null, object: waiting!.address }])
  expect(wait!.ownerTid).toBe(ended!.tid)
})

test('a wait for a mutex whose owner waits for input is reported without a cycle', async () => {
  const running = await run('locks', ['chain'])
  const [owner, waiting] = await printed(running, 2)
  await expectWaits([running.pid], [{ tid: waiting!.tid, owner: owner!.tid, object: waiting!.address }])
})

test('two threads that want each other’s mutex with a timeout are not reported', async () => {
  const running = await run('locks', ['timed'])
  await seenWaiting((await printed(running, 2)).map(({ tid }) => tid))
  await expectNoWaits(running)
})

describe('a healthy program is not reported', () => {
  test.each([
    ['for a lock that is no mutex but looks like one of the waiter itself', ['futex', 0]],
    ['for a lock that is no mutex but looks like one of an ended thread', ['futex', 7]],
    ['for a lock that is no mutex and has half a pointer in place of an owner', ['futex', 975_757_504]],
    ['for a shared mutex whose owner is recorded under another id', ['bare']],
    ['for a mutex whose owner shares the memory but is recorded under another id', ['lent']],
  ] as const)('%s', async (_, args) => {
    const running = await run('false-friends', args)
    const tid = Number(await running.program.line())
    await seenWaiting([tid])
    await expectNoWaits(running)
  })

  test('for a copy of a mutex that was locked before the fork', async () => {
    const running = await run('false-friends', ['inherited'])
    const tid = Number(await running.program.line())
    await seenWaiting([tid])
    await expectNoWaits({ ...running, pid: childOf(running.pid) })
  })
})

test('a mutex left locked by a zombie process has no owner to release it', async () => {
  const running = await run('false-friends', ['killed'])
  const tid = Number(await running.program.line())
  await expectWaits([running.pid], [{ tid, owner: null, object: expect.any(String) as string }])
})

test('a program with a built-in C library is recognised by its function names; without names its waits are only likely', async () => {
  const named = await run('locks', ['ring', 'normal', 2], { compiler: 'gcc-static' })
  expect(weak(await expectWaits([named.pid], ringOf(await printed(named, 2))))).toEqual([])
  const nameless = await run('locks', ['ring', 'normal', 2], { compiler: 'gcc-stripped' })
  expect(weak(await expectWaits([nameless.pid], ringOf(await printed(nameless, 2))))).toEqual([
    'unknown-caller',
    'unknown-caller',
  ])
})

function cyclesIn(waits: readonly ObservedWait[]): ObservedWait[] {
  const next = new Map(waits.map(({ tid, owner }) => [tid, owner?.tid]))
  return waits.filter(({ tid }) => {
    let at = next.get(tid)
    for (let left = next.size; left > 0 && at !== undefined && at !== tid; left--) at = next.get(at)
    return at === tid
  })
}

describe('a busy program without a deadlock', () => {
  test.each(['ordered', 'timed', 'queues'])('(%s) has waits, and never a cycle in any report', async (what) => {
    const { pid } = await run('busy-locks', [what])
    arm(pid)
    let reports = 0
    let waits = 0
    await nextReport((report) => {
      // Only this program: other tests have their deadlocks at the same time.
      const rows = ofPids(report.waits ?? [], [pid])
      expect(cyclesIn(rows)).toEqual([])
      reports++
      waits += rows.length
      return reports >= 300 && waits > 0 ? true : undefined
    })
  })

  test('(an idle pool) waits for nothing that has an owner, and is not closed while one thread reads', async () => {
    const running = await run('busy-locks', ['pool'])
    const tids = readdirSync(`/proc/${running.pid}/task`).map(Number)
    await seenWaiting(tids.filter((tid) => tid !== running.pid))
    await expectNoWaits(running)
    expect(closedPids()).not.toContain(running.pid)
  })
})

/** Pids of the last report that has them. */
const closedPids = (): readonly number[] =>
  log.messages.reduce<readonly number[]>(
    (last, message) => (message.type === 'scan' ? (message.closedSets ?? last) : last),
    [],
  )

describe('a closed set', () => {
  test('is a process of any language in which every thread waits without timeout', async () => {
    const { pid } = await run('lock-pair.py', ['all'])
    await log.until((message) => (message.type === 'scan' && message.closedSets?.includes(pid) ? true : undefined))
  })

  test('is not a process in which the main thread reads', async () => {
    const running = await run('lock-pair.py', [])
    await expectNoWaits(running)
    expect(closedPids()).not.toContain(running.pid)
  })

  test('is not a daemon whose signal handler posts the semaphore that it waits for', async () => {
    const running = await run('busy-locks', ['sem-daemon'])
    await seenWaiting([running.pid])
    await expectNoWaits(running)
    expect(closedPids()).not.toContain(running.pid)
    process.kill(running.pid, 'SIGTERM')
    expect(await running.program.line()).toBe('posted')
  })
})

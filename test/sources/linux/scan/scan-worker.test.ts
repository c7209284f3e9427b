/** The scan worker on this machine, with programs whose facts, states and values are known. */

import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { ServiceClock } from '../../../../src/runtime/clock.ts'
import type { ScannedLimit } from '../../../../src/sources/linux/linux-limits.ts'
import {
  capacityStride,
  type ProcessFacts,
  type ScanMessage,
  type ScanReport,
  scannedIndex,
  type ThreadFacts,
  valueStride,
} from '../../../../src/sources/linux/protocol.ts'
import { rowsOf } from '../../../../src/sources/linux/scan/report-builder.ts'
import { bitOf } from '../../../../src/sources/linux/scan/scan-plan.ts'
import { startScanner } from '../../../../src/sources/linux/workers.ts'
import type { Program } from '../../../support/programs.ts'
import { startForTest } from '../../../support/running.ts'
import { MessageLog } from '../processes/message-log.ts'

const log = new MessageLog<ScanMessage>()
const scanner = startScanner(
  {
    procRoot: '/proc',
    cgroupRoot: '/sys/fs/cgroup',
    periodMs: 20,
    fullPeriodMs: 100,
    idleBudget: 1,
    armedBudget: 1,
    clockOffset: new ServiceClock().offset,
  },
  log.add,
  log.fail,
)

const run = async (name: string, args: readonly (string | number)[] = []): Promise<Program> => {
  return startForTest(name, args)
}

const inScan = <Picked>(pick: (report: ScanReport) => Picked | undefined): Promise<Picked> =>
  log.next((message) => (message.type === 'scan' ? pick(message) : undefined))

type Holds = (value: number, quality: number) => boolean

const valueIn = (report: ScanReport, pid: number, tid: number, limit: ScannedLimit, holds: Holds): number | undefined =>
  rowsOf(report.values, valueStride).find(
    ([ofPid, ofTid, index, value, quality]) =>
      ofPid === pid && ofTid === tid && index === scannedIndex[limit] && holds(value!, quality!),
  )?.[3]

/** A value that comes from now on and for which `holds` is true. */
const findValue = (pid: number, tid: number, limit: ScannedLimit, holds: Holds): Promise<number> =>
  inScan((report) => valueIn(report, pid, tid, limit, holds))

/** The same, if it has not come already. */
const pastValue = (pid: number, tid: number, limit: ScannedLimit, holds: Holds): Promise<number> =>
  log.until((message) => (message.type === 'scan' ? valueIn(message, pid, tid, limit, holds) : undefined))

const factsOf = (pid: number): Promise<ProcessFacts> =>
  log.until((message) => (message.type === 'scan' ? message.processes.find((facts) => facts.pid === pid) : undefined))

const threadOf = (tid: number, holds: (facts: ThreadFacts) => boolean): Promise<ThreadFacts> =>
  log.until((message) =>
    message.type === 'scan' ? message.threads.find((facts) => facts.tid === tid && holds(facts)) : undefined,
  )

const inventoryOf = (report: ScanReport): Map<number, number[]> => {
  const processes = new Map<number, number[]>()
  const rows = report.inventory ?? new Float64Array(0)
  for (let at = 0; at < rows.length; ) {
    const count = rows[at + 2]!
    processes.set(rows[at]!, [...rows.subarray(at + 3, at + 3 + count)])
    at += 3 + count
  }
  return processes
}

const tidOf =
  (pid: number) =>
  (facts: ThreadFacts): number[] =>
    facts.pid === pid ? [facts.tid] : []

const arm = (pid: number, ...limits: readonly ScannedLimit[]): void =>
  scanner.send({
    type: 'plan',
    everyMask: 0,
    system: false,
    masks: new Map([[pid, limits.reduce((mask, limit) => mask | bitOf(limit), 0)]]),
  })

afterEach(async () => {
  scanner.send({ type: 'plan', everyMask: 0, system: false, masks: new Map() })
})
afterAll(() => scanner.stop())

describe('facts', () => {
  test('a process has the name, parent, user, executable and limits that the kernel reports', async () => {
    const program = await run('hog-memory')
    const facts = await factsOf(program.pid)
    const path = `/proc/${program.pid}`
    expect(facts.executable).toBe(readlinkSync(`${path}/exe`))
    expect(facts).toMatchObject({ parent: process.pid, uid: process.geteuid?.(), kernelThread: false })
    expect(facts.name).toBe(readFileSync(`${path}/comm`, 'latin1').trimEnd())
    const files = /Max open files\s+(\d+)\s+(\d+)/.exec(readFileSync(`${path}/limits`, 'latin1'))
    expect(facts.rlimits?.nofile).toEqual({ soft: Number(files?.[1]), hard: Number(files?.[2]) })
  })

  test('a kernel thread has no executable, no memory and no known state', async () => {
    const facts = await log.until((message) =>
      message.type === 'scan' ? message.processes.find(({ name }) => name === 'kthreadd') : undefined,
    )
    expect(facts).toMatchObject({ kernelThread: true, executable: null, uid: 0 })
    expect(await threadOf(facts.pid, ({ state }) => state === null)).toMatchObject({ certain: false })
    const values = log.messages.flatMap((message) =>
      message.type === 'scan' ? rowsOf(message.values, valueStride) : [],
    )
    const indexes = new Set(values.filter(([pid]) => pid === facts.pid).map(([, , index]) => index))
    expect(indexes.has(scannedIndex.memory)).toBe(false)
    expect(indexes.has(scannedIndex.memlock)).toBe(false)
  })

  test('a name with parentheses, a newline and invalid UTF-8 is reported whole', async () => {
    const program = await run('weird-name')
    // A process just born may be read before it has executed the program.
    const isNamed = (wanted: string) => (message: ScanMessage) =>
      message.type === 'scan' && message.processes.some(({ pid, name }) => pid === program.pid && name === wanted)
        ? true
        : undefined
    await log.until(isNamed('a) R (b\n\\xffé c'))
    program.send('rename')
    await log.until(isNamed('plain'))
  })

  test('a process that ended is no longer in the inventory, and neither is a zombie', async () => {
    const program = await run('threads', [1, 2])
    const child = Number((await program.line()).trim())
    await inScan((report) => (inventoryOf(report).has(child) ? true : undefined))
    process.kill(child, 'SIGKILL') // its parent does not reap it before its own end
    await inScan((report) => (report.kind === 'full' && !inventoryOf(report).has(child) ? true : undefined))
    expect(readFileSync(`/proc/${child}/stat`, 'latin1')).toContain(') Z ')
    await program.stop()
    await inScan((report) => (report.kind === 'full' && !inventoryOf(report).has(program.pid) ? true : undefined))
  })

  test('a process whose leader ended continues with its remaining threads', async () => {
    const program = await run('leader-exits')
    const tid = Number((await program.line()).split(' ')[1])
    // Before the thread is born there is one thread too, so wait for a scan that begins after the leader's end.
    await expect.poll(() => readFileSync(`/proc/${program.pid}/task/${program.pid}/stat`, 'latin1')).toContain(') Z ')
    const endedAt = Date.now() + 1 // rounded up
    const tids = await inScan((report) =>
      report.kind === 'full' && report.startedAt >= endedAt ? inventoryOf(report).get(program.pid) : undefined,
    )
    expect(tids).toEqual([tid])
  })

  test('a new process that outlives a fast period is read before the next full scan', async () => {
    const program = await run('hog-memory')
    scanner.send({ type: 'births', born: [program.pid], died: [] })
    expect((await factsOf(program.pid)).pid).toBe(program.pid)
  })
})

describe('readings that were not recorded', () => {
  const idle = async () => {
    const program = await run('threads', [1, 3])
    const pid = Number((await program.line()).trim())
    await inScan(({ confirmed }) => (confirmed.includes(pid) ? true : undefined))
    return pid
  }

  test('a process that was read before its birth was reported is read in full again', async () => {
    const pid = await idle()
    scanner.send({ type: 'births', born: [pid], died: [] })
    const report = await inScan((each) => (each.processes.some((facts) => facts.pid === pid) ? each : undefined))
    expect(report.threads.filter((facts) => facts.pid === pid)).toHaveLength(3)
    for (const limit of ['fds', 'timers', 'memlock'] as const)
      expect(valueIn(report, pid, 0, limit, () => true)).toBeDefined()
    const capacities = rowsOf(report.capacities, capacityStride).filter(([ofPid]) => ofPid === pid)
    expect(capacities.map(([, tid]) => tid).toSorted()).toEqual(report.threads.flatMap(tidOf(pid)).toSorted())
  })

  test('a birth and a death of one pid in one message are those of two processes', async () => {
    const pid = await idle()
    scanner.send({ type: 'births', born: [pid], died: [pid] })
    await inScan(({ processes }) => (processes.some((facts) => facts.pid === pid) ? true : undefined))
  })

  test('a thread that was read before it was registered is read again, and no other', async () => {
    const pid = await idle()
    const tid = Math.max(...readdirSync(`/proc/${pid}/task`).map(Number))
    scanner.send({ type: 'reread', threads: [{ pid, tid }] })
    const report = await inScan((each) => (each.threads.some((facts) => facts.tid === tid) ? each : undefined))
    expect(report.threads.flatMap(tidOf(pid))).toEqual([tid])
    expect(valueIn(report, pid, tid, 'cpu-time', () => true)).toBeDefined()
    expect(rowsOf(report.capacities, capacityStride).flatMap(([ofPid, of]) => (ofPid === pid ? [of] : []))).toEqual([
      tid,
    ])
  })

  test('facts that were not recorded are reported again although they are the same', async () => {
    const pid = await idle()
    scanner.send({ type: 'reread', threads: [{ pid, tid: 0 }] })
    const report = await inScan((each) => (each.processes.some((facts) => facts.pid === pid) ? each : undefined))
    expect(report.threads.flatMap(tidOf(pid))).toEqual([])
  })

  test('a closed set of a process that was read too early is reported again', async () => {
    const program = await run('lock-pair.py', ['all'])
    const { pid } = program
    await log.until((message) => (message.type === 'scan' && message.closedSets?.includes(pid) ? true : undefined))
    scanner.send({ type: 'births', born: [pid], died: [] })
    await inScan(({ closedSets }) => (closedSets?.includes(pid) ? true : undefined))
  })
})

describe('states', () => {
  test('pause is SIGSUSPEND, a read is RECEIVE with its descriptor, a join is a futex wait that is not certain', async () => {
    const program = await run('threads', [1, 1])
    const child = Number((await program.line()).trim())
    expect(await threadOf(child, ({ state }) => state !== 'RUNNING')).toMatchObject({
      state: 'SIGSUSPEND',
      certain: true,
    })
    const reads = await threadOf(program.pid, ({ state }) => state === 'RECEIVE')
    expect(reads.on).toEqual({ call: 'read', fd: 0 })
  })

  test('the parent of a vfork child waits for that child, not for memory', async () => {
    const program = await run('vfork-parent')
    const facts = await threadOf(program.pid, ({ why }) => why !== null && /vfork/.test(why))
    expect(facts).toMatchObject({ state: null, certain: false })
  })

  test('a thread that spins is RUNNING, but not certainly on a CPU', async () => {
    const program = await run('hog-cpu')
    const tid = Number((await program.line()).split(' ')[1])
    expect(await threadOf(tid, () => true)).toMatchObject({ state: 'RUNNING', certain: false })
    expect(await findValue(program.pid, tid, 'cpu', (permille) => permille > 100)).toBeLessThan(1300)
  })

  test('a process stopped by a signal is STOPPED until it continues', async () => {
    const program = await run('hog-memory')
    process.kill(program.pid, 'SIGSTOP')
    await threadOf(program.pid, ({ state }) => state === 'STOPPED')
    process.kill(program.pid, 'SIGCONT')
    await inScan(({ threads }) => threads.find(({ tid, state }) => tid === program.pid && state === 'RECEIVE'))
  })

  test('a process whose threads did not run is confirmed', async () => {
    const program = await run('threads', [1, 3])
    const child = Number((await program.line()).trim())
    await inScan(({ confirmed }) => (confirmed.includes(child) ? true : undefined))
  })
})

describe('values', () => {
  test('descriptors agree with /proc, go up one by one and come down again', async () => {
    const program = await run('fd-hog', [2, 50])
    arm(program.pid, 'fds')
    const few = await findValue(program.pid, 0, 'fds', (count) => count > 10)
    expect(await program.line()).toBe('opened')
    const all = readdirSync(`/proc/${program.pid}/fd`).length
    expect(few).toBeLessThanOrEqual(all)
    await pastValue(program.pid, 0, 'fds', (count) => count === all)
    program.send('close')
    expect(await findValue(program.pid, 0, 'fds', (count) => count < all)).toBeGreaterThanOrEqual(all - 50)
  })

  test('allocated memory is reported until it is freed', async () => {
    const program = await run('hog-memory', [64])
    program.send('take')
    const taken = await findValue(program.pid, 0, 'memory', (bytes) => bytes > 64 * 2 ** 20)
    expect(taken).toBeLessThan(80 * 2 ** 20)
    program.send('free')
    await findValue(program.pid, 0, 'memory', (bytes) => bytes < 32 * 2 ** 20)
  })

  test('a thread that sleeps deep in a recursion has a deep stack until it unwinds', async () => {
    const program = await run('recursion', ['sleep', 70])
    arm(program.pid, 'stack')
    const tid = Number((await program.line()).split(' ')[1])
    const deep = await findValue(program.pid, tid, 'stack', (bytes, quality) => bytes > 5 * 2 ** 20 && quality === 0)
    expect(deep).toBeLessThan(8 * 2 ** 20)
    const capacity = log.messages
      .flatMap((message) => (message.type === 'scan' ? rowsOf(message.capacities, capacityStride) : []))
      .find(([, ofTid, index]) => ofTid === tid && index === scannedIndex.stack)
    expect(capacity?.[3]).toBeGreaterThanOrEqual(8 * 2 ** 20)
    program.send('unwind')
    await findValue(program.pid, tid, 'stack', (bytes) => bytes < 2 ** 20)
  })

  test('the stack of a thread that never blocks is estimated by the pages that it touched', async () => {
    const program = await run('recursion', ['spin', 60])
    arm(program.pid, 'stack')
    const tid = Number((await program.line()).split(' ')[1])
    await findValue(program.pid, tid, 'stack', (bytes, quality) => bytes > 4 * 2 ** 20 && quality === 1)
  })

  test('the machine and its partitions are read with every full scan', async () => {
    const { system, partitions } = await inScan((report) => (report.kind === 'full' ? report : undefined))
    const total = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1]) * 1024
    expect(system?.memoryTotal).toBe(total)
    expect((system?.memory ?? 0) + (system?.memoryFree ?? 0)).toBe(total)
    expect(system?.cpus).toBeGreaterThan(0)
    expect(partitions).not.toBeNull()
    for (const [index, { names }] of (partitions ?? []).entries()) {
      const parent = names.slice(0, -1).join('/')
      const before = (partitions ?? []).slice(0, index).some((other) => other.names.join('/') === parent)
      expect(names.length === 1 || before).toBe(true)
    }
  })

  test('idle processes are in the inventory with their threads, as /proc lists them', async () => {
    const program = await run('threads', [2, 5])
    const children = (await program.line()).trim().split(' ').map(Number)
    const inventory = await inScan((report) => {
      const found = inventoryOf(report)
      return children.every((pid) => found.has(pid)) ? found : undefined
    })
    for (const pid of children)
      expect(inventory.get(pid)?.toSorted()).toEqual(readdirSync(`/proc/${pid}/task`).map(Number).toSorted())
    expect(statSync(`/proc/${children[0]}/task`).nlink).toBe(7)
  })
})

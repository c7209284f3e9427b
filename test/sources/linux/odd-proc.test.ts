/** The live source on copies of a /proc with files that are missing, odd, or say what cannot be. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Kernel } from '../../../src/kernel/kernel.ts'
import { type LimitName, limitIndex, limits } from '../../../src/kernel/limits/table.ts'
import type { Node } from '../../../src/kernel/nodes/node.ts'
import { ServiceClock } from '../../../src/runtime/clock.ts'
import { linuxAbilities } from '../../../src/sources/linux/abilities.ts'
import { LinuxSource } from '../../../src/sources/linux/linux-source.ts'
import { findProcNamespace } from '../../../src/sources/linux/native/proc-namespace.ts'
import { randomOf } from '../../support/random.ts'
import { until } from '../../support/until.ts'

const fixture = new URL('../../fixtures/proc', import.meta.url).pathname
const running: LinuxSource[] = []
let procRoot: string

beforeEach(() => {
  procRoot = join(mkdtempSync(join(tmpdir(), 'introspectd-')), 'proc')
  cpSync(fixture, procRoot, { recursive: true, verbatimSymlinks: true })
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((source) => source.stop()))
  rmSync(join(procRoot, '..'), { recursive: true })
})

const remove = (path: string) => rmSync(join(procRoot, path), { recursive: true })
const write = (path: string, text: string) => writeFileSync(join(procRoot, path), text)

/** Adds a process with the files of process 42. */
function addProcess(pid: number): void {
  cpSync(join(procRoot, '42'), join(procRoot, String(pid)), { recursive: true, verbatimSymlinks: true })
  cpSync(join(procRoot, '42/task/42'), join(procRoot, `${pid}/task/${pid}`), { recursive: true })
  for (const tid of [42, 43]) remove(`${pid}/task/${tid}`)
}

async function observe() {
  const clock = new ServiceClock()
  const periods = { fastMs: 20, fullMs: 50, birthsReported: false }
  const now = () => clock.now()
  const kernel = new Kernel({ abilities: linuxAbilities(periods), firstRevision: 1, now: now() })
  const failures: Error[] = []
  const budgets = { periodMs: 20, fullPeriodMs: 50, idleBudget: 1, armedBudget: 1 }
  const places = { procRoot, cgroupRoot: '/nowhere', clockOffset: clock.offset }
  const source = new LinuxSource(kernel, {
    ...budgets,
    ...places,
    periods,
    allowActions: false,
    namespace: findProcNamespace(procRoot),
    now,
    onFault: (error) => failures.push(error),
  })
  running.push(source)
  await source.start()
  return { kernel, source, failures, reading: (node: Node, limit: LimitName) => readingOf(kernel, node, limit) }
}

function readingOf({ usage }: Kernel, node: Node, limit: LimitName) {
  const index = limitIndex[limit]
  const { value, unreadable, capacity } = usage.reading(node, index, false)
  return { value, unreadable, capacity, why: usage.whyUnreadable(node, index) }
}

test('a fault in one message is counted and reported, and everything is read again', async () => {
  const { kernel, source, failures } = await observe()
  const degraded: string[] = []
  let thrown = false
  kernel.onEvent(({ type, data }) => {
    if (type === 'source.degraded') degraded.push(JSON.stringify(data))
    if (type !== 'process.created' || thrown) return
    thrown = true
    throw new Error('assertion failed: a test')
  })
  addProcess(52)
  await until(
    () =>
      [source.faults(), source.degraded().includes('readings'), kernel.processes.get(52)?.rlimits !== null] as const,
    ([faults, isDegraded, isRead]) => faults > 0 && !isDegraded && isRead,
  )
  expect(source.faults()).toBe(1)
  expect(failures.map(({ message }) => message)).toEqual(['assertion failed: a test'])
  expect(degraded).toEqual([expect.stringContaining('"what":"readings"')])
  expect(readingOf(kernel, kernel.process(52), 'memory').value).toBe(200 * 4096)
})

test.each([
  ['more available than there is, as LXCFS reports it', 'MemTotal: 100 kB\nMemAvailable: 600 kB\n', 100 * 1024],
  ['no MemAvailable', 'MemTotal: 100 kB\n', 100 * 1024],
  ['a total of 2^64 - 1', 'MemTotal: 18446744073709551615 kB\nMemAvailable: 600 kB\n', null],
  ['nothing', '', null],
])('a meminfo with %s makes memory unknown, with the reason', async (_, text, capacity) => {
  write('meminfo', text)
  const { kernel, source, reading } = await observe()
  for (const limit of ['memory', 'memory-free'] as const)
    expect(reading(kernel.system, limit)).toEqual({
      value: null,
      unreadable: expect.any(Number),
      capacity,
      why: expect.stringMatching(/^meminfo: /),
    })
  expect(source.degraded()).toContain('system')
})

const bounded = ['threads', 'processes', 'fds', 'cpu', 'memory'] as const
test.each([
  // A thread takes a pid, so the least of both is the capacity of threads and of processes.
  ['sys/kernel/threads-max', ['threads', 'processes']],
  ['sys/kernel/pid_max', ['threads', 'processes']],
  ['stat', ['cpu']],
] as const)('without %s only the capacities of %j are unknown', async (path, limits) => {
  write('sys/fs/file-max', '1000')
  remove(path)
  const { kernel, source, reading } = await observe()
  const unknown = bounded.filter((limit) => reading(kernel.system, limit).capacity === null)
  expect(unknown).toEqual(limits)
  expect(reading(kernel.system, 'memory')).toMatchObject({ value: 600_000 * 1024, capacity: 1_000_000 * 1024 })
  expect(source.checks().find(({ name }) => name === 'system')?.detail).toContain(path)
})

test.each([
  ['statm', '18014398509481984 4398046511104 0 0 0 18014398509481984 0', ['address-space', 'memory', 'data-pages']],
  ['status', 'Name:\tx\nUid:\t1\t1\t1\t1\nVmLck:\t18446744073709551615 kB\n', ['memlock']],
] as const)('numbers of 2^53 or more in %s are unreadable, with the reason', async (path, text, limits) => {
  write(`42/${path}`, text)
  const { kernel, reading } = await observe()
  for (const limit of limits)
    expect([limit, reading(kernel.process(42), limit)]).toMatchObject([
      limit,
      { value: null, unreadable: 1, why: expect.stringContaining('2^53') },
    ])
})

test('files of more than 4,096 bytes are read to their end', async () => {
  const hierarchies = Array.from({ length: 12 }, (_, place) => `${12 - place}:c${place}:/${'deep/'.repeat(100)}x`)
  write('42/cgroup', [...hierarchies, '0::/app/web'].join('\n'))
  const status = 'Name:\tx\nUid:\t1001\t1001\t1001\t1001\n'
  // The kernel allows this many groups.
  write('42/status', `${status}Groups:\t${'4294967294 '.repeat(65_536)}\nVmLck:\t       8 kB\n`)
  const limit = (title: string) => `${title.padEnd(26)}1024                 4096                 files\n`
  write('42/limits', `${limit('Max processes').repeat(60)}${limit('Max open files')}`)
  const { kernel, reading } = await observe()
  const process = kernel.process(42)
  expect(process.container.path).toBe('/sys/part/app/part/web')
  expect(process.uid).toBe(1001)
  expect(reading(process, 'memlock').value).toBe(8192)
  expect(process.rlimits?.nofile).toEqual({ soft: 1024, hard: 4096 })
})

const noFile = 'the kernel does not offer it: there is no such file in /proc'
const unknownForm = 'the kernel reports it in an unknown form'
const ofMaps = ['stack'] as const
const kinds = [
  ['statm', ['memory', 'address-space', 'data-pages']],
  ['timers', ['timers']],
  ['fd', ['fds']],
  ['status', ['memlock']],
] as const

test.each(kinds)('without %s a process is there, and only %j are unknown', async (path, limits) => {
  remove(`42/${path}`)
  const { kernel, reading } = await observe()
  const process = kernel.process(42)
  await until(
    () => limits.map((limit) => reading(process, limit).why),
    (reasons) => reasons.every((why) => why === noFile),
  )
  for (const [, others] of kinds)
    for (const limit of others)
      if (!limits.some((name) => name === limit)) expect([limit, reading(process, limit).value]).not.toContain(null)
  expect([process.name, process.threads.size]).toEqual(['we) ird', 2])
})

test.each([
  ['syscall', ofMaps],
  ['schedstat', ['cpu', 'cpu-time']],
  ['stat', ofMaps],
] as const)('a thread without %s is there, and only %j are unknown', async (path, limits) => {
  remove(`42/task/43/${path}`)
  const { kernel, reading } = await observe()
  const thread = kernel.thread(42, 43)
  for (const limit of limits)
    expect([limit, reading(thread, limit)]).toMatchObject([limit, { value: null, why: noFile }])
  expect(reading(kernel.thread(42, 42), 'stack').value).toBeGreaterThan(0)
})

test('without maps the stacks are unknown', async () => {
  remove('42/maps')
  const { kernel, reading } = await observe()
  expect(reading(kernel.thread(42, 43), 'stack')).toMatchObject({ value: null, why: noFile })
})

test.each([
  ['42/statm', 'memory'],
  ['42/maps', 'stack'],
  ['42/task/43/syscall', 'stack'],
  ['42/task/43/schedstat', 'cpu-time'],
  ['42/task/43/stat', 'stack'],
] as const)('%s in an unknown form makes %s unknown', async (path, limit) => {
  write(path, path.endsWith('maps') ? '' : 'odd')
  const { kernel, reading } = await observe()
  const node = limit === 'memory' ? kernel.process(42) : kernel.thread(42, 43)
  expect(reading(node, limit)).toMatchObject({ value: null, why: unknownForm })
})

test('a status without VmLck makes memlock unknown', async () => {
  write('42/status', 'Name:\tx\nUid:\t1001\t1001\t1001\t1001\n')
  const { kernel, reading } = await observe()
  expect(reading(kernel.process(42), 'memlock')).toMatchObject({ value: null, why: expect.stringContaining('VmLck') })
  expect(reading(kernel.process(42), 'memory').value).toBeGreaterThan(0)
})

test('CPU time near 2^64, below zero, is unknown', async () => {
  write('42/task/43/schedstat', '18446744073709551000 1 1\n')
  const { kernel, reading } = await observe()
  expect(reading(kernel.thread(42, 43), 'cpu-time')).toMatchObject({ value: null, why: unknownForm })
})

test('a process whose stat becomes odd has not ended; its readings are unknown until it is read again', async () => {
  const { kernel, source, reading } = await observe()
  const process = kernel.process(42)
  const died: string[] = []
  kernel.onEvent(({ type }) => void (type === 'process.died' && died.push(type)))
  write('42/stat', '42 (odd')
  await until(
    () => reading(process, 'memory').why,
    (why) => why === unknownForm,
  )
  expect(source.degraded()).toContain('hidden-processes')
  // Sums over processes are lower bounds.
  expect(reading(kernel.system, 'fds').unreadable).toBeGreaterThan(0)
  cpSync(join(fixture, '42/stat'), join(procRoot, '42/stat'))
  await until(
    () => reading(process, 'memory').value,
    (value) => value !== null,
  )
  expect([died, kernel.process(42)]).toEqual([[], process])
  await until(
    () => source.degraded(),
    (names) => !names.includes('hidden-processes'),
  )
})

test.each(['', 'odd', '18446744073709551615'])('a copy with the uptime %j is refused in one line', async (text) => {
  write('uptime', text)
  await expect(observe()).rejects.toThrow(/uptime does not begin with a number of seconds$/)
})

const damages = [
  '',
  '-1',
  '18446744073709551615',
  '9223372036854775807',
  '9007199254740993',
  'odd',
  '\0',
  '1e400',
] as const
const damagedFiles = ['stat', 'status', 'statm', 'limits', 'cgroup', 'maps', 'timers'] as const
const ofThread = ['stat', 'schedstat', 'syscall'] as const

/** Replaces some numbers of a file, and may cut it off. */
function damage(path: string, random: () => number): void {
  const pick = () => damages[Math.floor(random() * damages.length)]!
  const text = readFileSync(join(procRoot, path), 'latin1').replace(/\d+/g, (digits) =>
    random() < 0.2 ? pick() : digits,
  )
  write(path, random() < 0.2 ? text.slice(0, Math.floor(random() * text.length)) : text)
}

test('processes whose files are damaged at random cost no message, and each reading is countable or unknown', async () => {
  const random = randomOf(6)
  const pids = Array.from({ length: 60 }, (_, place) => 1000 + place)
  for (const [place, pid] of pids.entries()) {
    addProcess(pid)
    const paths = [...damagedFiles, ...ofThread.map((file) => `task/${pid}/${file}`)]
    damage(`${pid}/${paths[place % paths.length]}`, random)
  }
  for (const file of ['meminfo', 'stat', 'sys/kernel/pid_max']) damage(file, random)
  const { kernel, source, failures, reading } = await observe()
  expect([failures, source.faults()]).toEqual([[], 0])
  // Only a process whose stat identifies none is not there.
  const missing = pids.filter((pid) => !kernel.processes.has(pid) && (pid - 1000) % 10 !== 0)
  expect(missing).toEqual([])
  const nodes = [
    kernel.system,
    ...[...kernel.processes.values()].flatMap((process) => [process, ...process.threads.values()]),
  ]
  for (const node of nodes)
    for (const { name, at } of limits) {
      if (!(at as readonly string[]).includes(node.level)) continue
      const { value, capacity } = reading(node, name)
      for (const number of [value, capacity])
        if (number !== null) expect([name, Number.isSafeInteger(number)]).toEqual([name, true])
    }
})

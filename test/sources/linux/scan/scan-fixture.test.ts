/** The scan worker on a copy of /proc with known content. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ServiceClock } from '../../../../src/runtime/clock.ts'
import type { ScannedLimit } from '../../../../src/sources/linux/linux-limits.ts'
import {
  capacityStride,
  type ScanMessage,
  type ScanReport,
  scannedIndex,
  valueStride,
} from '../../../../src/sources/linux/protocol.ts'
import { rowsOf } from '../../../../src/sources/linux/scan/report-builder.ts'
import { startScanner } from '../../../../src/sources/linux/workers.ts'
import { MessageLog } from '../processes/message-log.ts'

const procRoot = new URL('../../../fixtures/proc', import.meta.url).pathname
const log = new MessageLog<ScanMessage>()
const scanner = startScanner(
  {
    procRoot,
    cgroupRoot: '/nowhere',
    periodMs: 20,
    fullPeriodMs: 50,
    idleBudget: 1,
    armedBudget: 1,
    clockOffset: new ServiceClock().offset,
  },
  log.add,
  log.fail,
)
let first: ScanReport

beforeAll(async () => {
  first = await log.until((message) => (message.type === 'scan' ? message : undefined))
})
afterAll(() => scanner.stop())

const valueOf42 = (tid: number, limit: ScannedLimit) =>
  rowsOf(first.values, valueStride).find(([, ofTid, index]) => ofTid === tid && index === scannedIndex[limit])?.[3]

describe('a directory copied from a /proc', () => {
  test('has its processes, but not the zombie', () => {
    expect([...(first.inventory ?? [])]).toEqual([42, 1234, 2, 42, 43])
  })

  test('gives the facts of a process', () => {
    expect(first.processes).toEqual([
      {
        pid: 42,
        startTicks: 1234,
        name: 'we) ird',
        parent: 7,
        uid: 1001,
        executable: '/usr/bin/demo',
        kernelThread: false,
        partition: ['app', 'web'],
        rlimits: {
          stack: { soft: 8388608, hard: Number.POSITIVE_INFINITY },
          nofile: { soft: 1024, hard: 4096 },
        },
      },
    ])
  })

  test('gives the states of its threads and the objects of their waits', () => {
    expect(first.threads).toMatchObject([
      { tid: 42, name: 'we) ird', state: 'RECEIVE', on: { call: 'read', fd: 5 }, certain: true, priority: 20 },
      { tid: 43, name: 'worker', state: 'MUTEX', on: { call: 'futex', address: '0x7f0055749c88' }, certain: true },
    ])
  })

  test.each([
    [0, 'fds', 4],
    [0, 'memory', 200 * 4096],
    [0, 'address-space', 1000 * 4096],
    [0, 'data-pages', 300],
    [0, 'memlock', 8192],
    [0, 'timers', 1],
    [42, 'cpu-time', 5000],
    [42, 'stack', 0x7ffe76fae000 - 0x7ffe76fa0000],
    [42, 'stack-size', 8388608],
    [43, 'stack', 0x7f0000801000 - 0x7f0000401000],
    [43, 'stack-size', 0x800000],
  ] as const)('gives for thread %i the limit %s as %i', (tid, limit, value) => {
    expect(valueOf42(tid, limit)).toBe(value)
  })

  test('gives the capacity of each stack', () => {
    expect(rowsOf(first.capacities, capacityStride)).toEqual([
      [42, 42, scannedIndex.stack, 8388608],
      [42, 43, scannedIndex.stack, 8388608],
    ])
  })

  test('gives the machine; a limit on descriptors that is too high to be reached is infinite', () => {
    expect(first.system).toEqual({
      memory: 600000 * 1024,
      memoryFree: 400000 * 1024,
      memoryReclaimable: 100000 * 1024,
      memoryTotal: 1000000 * 1024,
      swap: null,
      swapTotal: null,
      whyNoMemory: null,
      oomKills: null,
      cpus: 3,
      processesMax: 4194304,
      threadsMax: 191000,
      fdsMax: Number.POSITIVE_INFINITY,
    })
    expect(first.partitions).toEqual([])
  })

  test('is confirmed while idle, and nothing of it is reported again', async () => {
    const later = await log.next((message) =>
      message.type === 'scan' && message.confirmed.includes(42) ? message : undefined,
    )
    expect(later.processes).toEqual([])
    expect(later.threads).toEqual([])
    expect([...(later.inventory ?? [])]).toEqual([42, 1234, 2, 42, 43])
  })
})

test('a missing /proc directory degrades the scan without ending the worker', async () => {
  const other = new MessageLog<ScanMessage>()
  const failures: Error[] = []
  const options = { procRoot: '/nowhere', cgroupRoot: '/nowhere', periodMs: 20, fullPeriodMs: 50 }
  const nowhere = startScanner(
    { ...options, clockOffset: new ServiceClock().offset, idleBudget: 1, armedBudget: 1 },
    other.add,
    (error) => failures.push(error),
  )
  await other.until((message) => (message.type === 'degraded' && message.what === 'inventory' ? true : undefined))
  await nowhere.stop()
  expect(failures).toEqual([])
})

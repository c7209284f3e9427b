/** Recording of scan reports in the kernel. Made-up reports allow orders of events that are rare on a real machine. */

import { expect, test } from 'vitest'
import { limitIndex } from '../../../../src/kernel/limits/table.ts'
import { Inventory } from '../../../../src/sources/linux/processes/inventory.ts'
import { ProcessRegistry } from '../../../../src/sources/linux/processes/process-registry.ts'
import type { ProcessFacts, ScanReport, ThreadFacts } from '../../../../src/sources/linux/protocol.ts'
import { ReadingRecorder } from '../../../../src/sources/linux/record/reading-recorder.ts'
import { Bench } from '../../../kernel/support.ts'

const facts: ProcessFacts = {
  pid: 42,
  startTicks: 7,
  name: 'forked',
  parent: 1,
  uid: 0,
  executable: null,
  kernelThread: false,
  partition: ['web'],
  rlimits: { nofile: { soft: 64, hard: 128 } },
}

const fullScan = (startedAt: number, processes: readonly ProcessFacts[]): ScanReport => ({
  type: 'scan',
  kind: 'full',
  startedAt,
  finishedAt: startedAt,
  cpuMs: 0,
  periodMs: 1000,
  inventory: new Float64Array([facts.pid, facts.startTicks, 1, facts.pid]),
  processes,
  threads: [],
  values: new Float64Array(),
  capacities: new Float64Array(),
  unreadable: [],
  unidentified: [],
  confirmed: new Int32Array(),
  waits: null,
  closedSets: null,
  system: null,
  demanded: [],
  partitions: null,
})

test('facts that a scan read before the connector reported the birth are recorded with the birth, since no scan repeats them', () => {
  const { kernel } = new Bench()
  const registry = new ProcessRegistry(kernel, { boot: 'b00t', bootedAt: 0 })
  const readings = new ReadingRecorder(kernel, {
    registry,
    inventory: new Inventory(kernel, registry),
    pageBytes: 4096,
  })
  const record = (report: ScanReport) =>
    kernel.update(report.finishedAt, () => readings.recordInventory(report, { certain: false, silent: false }))
  expect(record(fullScan(100, [facts]))).toEqual([])
  expect(registry.byPid.has(42)).toBe(false)
  registry.record({ what: 'fork', at: 101, pid: 42, parent: 1, startTicks: 7, name: null, kernelThread: false })
  readings.recordBirth(42)
  record(fullScan(102, []))
  const process = kernel.process(42)
  expect([process.rlimits, process.container.path]).toEqual([{ nofile: { soft: 64, hard: 128 } }, '/sys/part/web'])
  expect(kernel.usage.capacity(process, limitIndex.fds)).toBe(64)
})

test('facts of an earlier process with the same pid are not recorded', () => {
  const { kernel } = new Bench()
  const registry = new ProcessRegistry(kernel, { boot: 'b00t', bootedAt: 0 })
  const readings = new ReadingRecorder(kernel, {
    registry,
    inventory: new Inventory(kernel, registry),
    pageBytes: 4096,
  })
  kernel.update(100, () => readings.recordInventory(fullScan(100, [facts]), { certain: false, silent: false }))
  registry.record({ what: 'fork', at: 101, pid: 42, parent: 1, startTicks: 8, name: null, kernelThread: false })
  readings.recordBirth(42)
  expect([kernel.process(42).rlimits, kernel.process(42).container.path]).toEqual([null, '/sys'])
})

/** Readings, and the calls by which the source records them. */
function recording() {
  const { kernel } = new Bench()
  const registry = new ProcessRegistry(kernel, { boot: 'b00t', bootedAt: 0 })
  const inventory = new Inventory(kernel, registry)
  const readings = new ReadingRecorder(kernel, { registry, inventory, pageBytes: 4096 })
  const record = (report: ScanReport) =>
    kernel.update(report.finishedAt, () => {
      const admitted = readings.recordInventory(report, { certain: false, silent: false })
      readings.recordUsage(report)
      return admitted
    })
  const fork = (at: number) =>
    registry.record({ what: 'fork', at, pid: 42, parent: 1, startTicks: 7, name: null, kernelThread: false })
  return { kernel, registry, readings, record, fork }
}

const threadFacts = (tid: number, name: string): ThreadFacts => ({
  pid: 42,
  tid,
  name,
  state: 'RECEIVE',
  on: null,
  certain: true,
  why: null,
  since: 100,
  priority: 20,
})

const listing = (report: ScanReport, ...tids: readonly number[]): ScanReport => ({
  ...report,
  inventory: new Float64Array([42, 7, tids.length, ...tids]),
})

test('a process whose pid was reused while events were lost is admitted, though its facts came once only', () => {
  const { kernel, registry, record, fork } = recording()
  fork(50)
  const other = { ...facts, startTicks: 9 }
  const found = (at: number, processes: readonly ProcessFacts[]) => ({
    ...fullScan(at, processes),
    inventory: new Float64Array([42, 9, 1, 42]),
  })
  expect(record(found(100, [other]))).toEqual([])
  expect(record(found(200, []))).toEqual([42])
  expect([registry.byPid.get(42)?.startTicks, kernel.process(42).name]).toEqual([9, 'forked'])
})

test('a thread that was read before it was registered is to be read again once it is', () => {
  const { registry, readings, record, fork } = recording()
  fork(50)
  record({ ...listing(fullScan(100, [facts]), 42, 43), threads: [threadFacts(43, 'late')] })
  expect(readings.unrecorded.takeRegistered()).toEqual([])
  registry.record({ what: 'clone', at: 101, pid: 42, tid: 43 })
  expect(readings.unrecorded.takeRegistered()).toEqual([{ pid: 42, tid: 43 }])
  expect(readings.unrecorded.takeRegistered()).toEqual([])
})

test('a thread whose birth was lost is to be read again when two scans have found it', () => {
  const { readings, record, fork } = recording()
  fork(50)
  record({ ...listing(fullScan(100, [facts]), 42, 43), threads: [threadFacts(43, 'lost')] })
  expect(readings.unrecorded.takeRegistered()).toEqual([])
  record(listing(fullScan(200, []), 42, 43))
  expect(readings.unrecorded.takeRegistered()).toEqual([{ pid: 42, tid: 43 }])
})

test('a thread that ended before its readings arrived is not waited for', () => {
  const { registry, readings, record, fork } = recording()
  fork(50)
  record({ ...fullScan(100, [facts]), kind: 'fast', inventory: null, threads: [threadFacts(43, 'ended')] })
  record(listing(fullScan(200, []), 42))
  registry.record({ what: 'clone', at: 201, pid: 42, tid: 43 })
  expect(readings.unrecorded.takeRegistered()).toEqual([])
})

test('names that were not recorded because of a newer change are to be read again', () => {
  const { kernel, registry, readings, record, fork } = recording()
  fork(50)
  record({ ...fullScan(100, [facts]), threads: [threadFacts(42, 'forked')] })
  readings.unrecorded.takeRegistered()
  registry.record({ what: 'clone', at: 201, pid: 42, tid: 43 })
  const renamed = { ...facts, name: 'other' }
  record({ ...listing(fullScan(200, [renamed]), 42, 43), threads: [threadFacts(42, 'other')] })
  expect([kernel.process(42).name, kernel.thread(42, 42).name]).toEqual(['forked', 'forked'])
  expect(readings.unrecorded.takeRegistered()).toEqual([
    { pid: 42, tid: 0 },
    { pid: 42, tid: 42 },
  ])
})

test('names that are the same as those known are not read again', () => {
  const { registry, readings, record, fork } = recording()
  fork(50)
  record({ ...fullScan(100, [facts]), threads: [threadFacts(42, 'forked')] })
  readings.unrecorded.takeRegistered()
  registry.record({ what: 'clone', at: 201, pid: 42, tid: 43 })
  record({ ...listing(fullScan(200, [facts]), 42, 43), threads: [threadFacts(42, 'forked')] })
  expect(readings.unrecorded.takeRegistered()).toEqual([])
})

test('a name that a scan reads after a flood of renames is newer than those that wait', () => {
  const { kernel, registry, readings, record, fork } = recording()
  fork(50)
  record({ ...fullScan(60, [facts]), threads: [threadFacts(42, 'forked')] })
  for (let count = 0; count < 1_000; count++)
    registry.record({ what: 'name', at: 70, pid: 42, tid: 42, name: `n${count}` })
  expect(kernel.process(42).name).not.toBe('n999')
  // The event of the last rename was lost.
  record({ ...fullScan(100, [{ ...facts, name: 'last' }]), threads: [threadFacts(42, 'last')] })
  registry.releaseWaiting(10_000)
  expect([kernel.process(42).name, kernel.thread(42, 42).name]).toEqual(['last', 'last'])
  expect(readings.unrecorded.takeRegistered()).toEqual([])
})

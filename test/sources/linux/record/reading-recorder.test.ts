/** Recording of scan reports in the kernel. Made-up reports allow orders of events that are rare on a real machine. */

import { expect, test } from 'vitest'
import { limitIndex } from '../../../../src/kernel/limits/table.ts'
import { Inventory } from '../../../../src/sources/linux/processes/inventory.ts'
import { ProcessRegistry } from '../../../../src/sources/linux/processes/process-registry.ts'
import type { ProcessFacts, ScanReport } from '../../../../src/sources/linux/protocol.ts'
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
  confirmed: new Int32Array(),
  waits: null,
  closedSets: null,
  system: null,
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

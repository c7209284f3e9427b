/** Limits on demand, on a copy of /proc with known content and under virtual time. */

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { LimitName } from '../../../../src/kernel/limits/table.ts'
import { containerBit, type ScannedLimit } from '../../../../src/sources/linux/linux-limits.ts'
import { type ProcFile, ProcFiles } from '../../../../src/sources/linux/native/proc-files.ts'
import { type DemandPlan, locksBit, scannedIndex, valueStride } from '../../../../src/sources/linux/protocol.ts'
import { detectKernelFeatures } from '../../../../src/sources/linux/scan/kernel-features.ts'
import { ReportBuilder, rowsOf } from '../../../../src/sources/linux/scan/report-builder.ts'
import { bitOf } from '../../../../src/sources/linux/scan/scan-plan.ts'
import { Scanner } from '../../../../src/sources/linux/scan/scanner.ts'

const fixture = new URL('../../../fixtures/proc', import.meta.url).pathname
const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

class NamedFiles extends ProcFiles {
  readonly readings: string[] = []

  override readFrom(file: ProcFile, position: number, bytes: number, armed: boolean, holdFrom: number): number {
    this.readings.push(file.path)
    return super.readFrom(file, position, bytes, armed, holdFrom)
  }
}

/** A machine of files, scanned at the times that the test chooses. */
class Machine {
  readonly root = mkdtempSync(join(tmpdir(), 'introspectd-rates-'))
  readonly files = new NamedFiles()
  readonly scanner: Scanner
  readonly #report = new ReportBuilder()
  #runs = 10

  constructor() {
    cpSync(fixture, join(this.root, 'proc'), { recursive: true, verbatimSymlinks: true })
    const degrading = { degraded: () => {}, recovered: () => {} }
    mkdirSync(join(this.root, 'cgroup/web'), { recursive: true })
    this.write('cgroup/cgroup.controllers', 'memory pids\n')
    const abilities = detectKernelFeatures(join(this.root, 'proc'), join(this.root, 'cgroup'))
    const parts = { procRoot: join(this.root, 'proc'), files: this.files, report: this.#report, abilities, degrading }
    this.scanner = new Scanner(parts)
    ends.push(() => {
      this.scanner.close()
      this.files.closeAll()
      rmSync(this.root, { recursive: true })
    })
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.root, path), text)
  }

  /** Sets the running totals of process 42. Its threads have run since. */
  use({ read = 0, written = 0, minor = 0, major = 0, runs = this.#runs + 1 }): void {
    this.#runs = runs
    this.write('proc/42/io', `rchar: 9\nwchar: 9\nread_bytes: ${read}\nwrite_bytes: ${written}\n`)
    const stat = `42 (we) ird) S 7 42 42 0 -1 4194304 ${minor} 5 ${major} 5 0 0 0 0 20 0 2 0 1234 0 0\n`
    this.write('proc/42/stat', stat)
    for (const tid of [42, 43]) this.write(`proc/42/task/${tid}/schedstat`, `5000000 0 ${runs}\n`)
  }

  plan(demands: Partial<DemandPlan>, armedMask = 0): void {
    const none = { everyMask: 0, masks: new Map(), everyPartition: 0, containers: new Map() }
    const command = { type: 'plan', everyMask: 0, system: false, masks: new Map([[42, armedMask]]) } as const
    this.scanner.replacePlan({ ...command, demands: { ...none, ...demands } })
  }

  scan(kind: 'full' | 'fast', bootMs: number, now = bootMs) {
    this.files.readings.length = 0
    if (kind === 'full') this.scanner.scanFull({ now, bootMs })
    else this.scanner.scanFast({ now, bootMs }, 0)
    const report = this.#report.finish({ kind, startedAt: now, finishedAt: now, cpuMs: 0, periodMs: 0 })
    const rows = rowsOf(report.values, valueStride)
    const value = (limit: ScannedLimit, tid = 0, pid = 42) =>
      rows.find((row) => row[0] === pid && row[1] === tid && row[2] === scannedIndex[limit])?.[3]
    return { ...report, value }
  }
}

const rates: readonly ScannedLimit[] = ['io-read', 'io-write', 'page-faults', 'context-switches']
const ratesMask = rates.reduce((mask, limit) => mask | bitOf(limit), 0)

test.each(['full', 'fast'] as const)(
  'rates of %s scans are the exact differences over the clock since boot',
  (kind) => {
    const machine = new Machine()
    machine.use({ read: 5_000, written: 7_000, minor: 100, major: 10, runs: 100 })
    if (kind === 'full') machine.plan({ everyMask: ratesMask })
    machine.scan('full', 0)
    if (kind === 'fast') machine.plan({}, ratesMask | locksBit)
    const first = machine.scan(kind, 1_000)
    if (kind === 'fast')
      expect(rates.map((limit) => first.value(limit))).toEqual([undefined, undefined, undefined, undefined])
    machine.use({ read: 25_000, written: 8_000, minor: 150, major: 60, runs: 102 })
    // The wall clock is set back by an hour meanwhile.
    const second = machine.scan(kind, 3_000, -3_600_000)
    expect(second.value('io-read')).toBe(10_000)
    expect(second.value('io-write')).toBe(500)
    expect(second.value('page-faults')).toBe(50)
    expect(second.value('context-switches', 42)).toBe(1)
    expect(second.value('context-switches', 43)).toBe(1)
    const idle = machine.scan(kind, 4_000)
    expect(rates.slice(0, 3).map((limit) => idle.value(limit))).toEqual([0, 0, 0])
    expect(machine.files.readings.filter((path) => path.endsWith('/io'))).toEqual([])
  },
)

test('with nothing wanted no file is read for a rate, and a rate that is no longer wanted frees its file', () => {
  const machine = new Machine()
  machine.use({})
  const isExtra = (path: string) => /\/(io|pressure|[a-z]+\.pressure|memory\.swap\.current)/.test(path)
  for (const at of [0, 1_000, 2_000]) {
    machine.use({})
    const { value } = machine.scan('full', at)
    expect(machine.files.readings.filter(isExtra)).toEqual([])
    expect(rates.map((limit) => value(limit))).toEqual([undefined, undefined, undefined, undefined])
  }
  machine.plan({ everyMask: ratesMask, containers: new Map([['web', containerBit('pressure-io')]]) })
  machine.write('cgroup/web/io.pressure', 'some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n')
  for (const at of [3_000, 4_000, 5_000, 6_000]) {
    machine.use({})
    machine.scan('full', at)
  }
  expect(machine.files.readings.filter(isExtra).length).toBeGreaterThanOrEqual(2)
  const open = machine.files.openCount
  machine.plan({})
  machine.scan('full', 7_000)
  expect(machine.files.readings.filter(isExtra)).toEqual([])
  expect(machine.files.openCount).toBe(open - 2)
})

test('a share of CPU time does not depend on the wall clock', () => {
  const machine = new Machine()
  machine.scan('full', 0)
  const run = (ns: number, runs: number) => machine.write('proc/42/task/42/schedstat', `${5_000_000 + ns} 0 ${runs}\n`)
  run(100_000_000, 11)
  machine.scan('full', 1_000, 3_600_000)
  run(600_000_000, 12)
  expect(machine.scan('full', 2_000, 7_200_000).value('cpu', 42)).toBe(500)
})

test('a file that may not be read gives its limit as unreadable, with the reason', () => {
  const machine = new Machine()
  machine.use({})
  rmSync(join(machine.root, 'proc/42/io'))
  mkdirSync(join(machine.root, 'proc/42/io'))
  machine.plan({ everyMask: ratesMask })
  const { unreadable } = machine.scan('full', 0)
  expect(unreadable.filter(({ limit }) => limit.startsWith('io-')).map(({ limit }) => limit)).toEqual([
    'io-read',
    'io-write',
  ])
})

test('zombies count for their parents until they are collected', () => {
  const machine = new Machine()
  machine.write('proc/7/stat', '7 (gone) Z 42 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0\n')
  expect(machine.scan('full', 0).value('zombies')).toBe(1)
  rmSync(join(machine.root, 'proc/7'), { recursive: true })
  expect(machine.scan('full', 1_000).value('zombies')).toBe(0)
})

test('pressure is the share of time between two readings, of the machine and of a partition', () => {
  const machine = new Machine()
  const limits: readonly LimitName[] = ['pressure-cpu', 'pressure-memory', 'pressure-io', 'swap']
  const mask = limits.reduce((bits, limit) => bits | containerBit(limit), 0)
  machine.plan({ everyPartition: mask, containers: new Map([['', mask]]) })
  const press = (path: string, total: number) =>
    machine.write(path, `some avg10=0.00 avg60=0.00 avg300=0.00 total=${total}\nfull avg10=0.00 total=1\n`)
  mkdirSync(join(machine.root, 'proc/pressure'))
  press('proc/pressure/cpu', 1_000_000)
  press('proc/pressure/memory', 0)
  press('cgroup/web/cpu.pressure', 500)
  machine.write('cgroup/web/memory.swap.current', '4096\n')
  machine.scan('full', 0)
  press('proc/pressure/cpu', 1_500_000)
  press('cgroup/web/cpu.pressure', 2_000_500)
  const { demanded } = machine.scan('full', 2_000)
  expect(demanded).toEqual([
    { names: [], limit: 'pressure-cpu', value: 250, why: null },
    { names: [], limit: 'pressure-memory', value: 0, why: null },
    { names: [], limit: 'pressure-io', value: null, why: expect.stringContaining('no pressure stall information') },
    { names: ['web'], limit: 'swap', value: 4096, why: null },
    { names: ['web'], limit: 'pressure-cpu', value: 1000, why: null },
    { names: ['web'], limit: 'pressure-memory', value: null, why: expect.any(String) },
    { names: ['web'], limit: 'pressure-io', value: null, why: expect.any(String) },
  ])
})

/** Stacks of real threads that are not alone in their mapping, read by a scan in this process. */

import { afterAll, expect, test } from 'vitest'
import { type ScannedLimit, scannedLimits } from '../../../../src/sources/linux/linux-limits.ts'
import { ProcFiles } from '../../../../src/sources/linux/native/proc-files.ts'
import { capacityStride, type ScanReport, valueStride } from '../../../../src/sources/linux/protocol.ts'
import { detectKernelFeatures } from '../../../../src/sources/linux/scan/kernel-features.ts'
import { ReportBuilder, rowsOf } from '../../../../src/sources/linux/scan/report-builder.ts'
import { bitOf } from '../../../../src/sources/linux/scan/scan-plan.ts'
import { Scanner } from '../../../../src/sources/linux/scan/scanner.ts'
import type { Program } from '../../../support/programs.ts'
import { startForTest } from '../../../support/running.ts'
import { until } from '../../../support/until.ts'

const procRoot = '/proc'
const files = new ProcFiles()
const report = new ReportBuilder()
const degrading = { degraded: () => {}, recovered: () => {} }
const abilities = detectKernelFeatures(procRoot, '/sys/fs/cgroup')
const scanner = new Scanner({ procRoot, files, report, abilities, degrading })

afterAll(() => {
  scanner.close()
  files.closeAll()
})

function scan(): ScanReport {
  scanner.scanFull(Date.now())
  return report.finish({ kind: 'full', startedAt: 0, finishedAt: 0, cpuMs: 0, periodMs: 0 })
}

/** Collects reports about the threads of a process. It is armed, so that its stacks are looked up at once. */
class Stacks {
  readonly #pid: number
  readonly depths = new Map<number, number>()
  readonly sizes = new Map<number, number>()
  readonly capacities = new Map<number, number>()
  readonly reasons = new Map<number, string>()

  constructor(pid: number) {
    this.#pid = pid
    scanner.plan.replace({ type: 'plan', everyMask: 0, system: false, masks: new Map([[pid, bitOf('stack')]]) })
  }

  scan(): this {
    const { values, capacities, unreadable } = scan()
    const nameOf = (index: number | undefined): ScannedLimit | undefined => scannedLimits[index!]
    for (const [pid, tid, index, value] of rowsOf(values, valueStride)) {
      if (pid !== this.#pid) continue
      if (nameOf(index) === 'stack') {
        this.depths.set(tid!, value!)
        this.reasons.delete(tid!)
      } else if (nameOf(index) === 'stack-size') this.sizes.set(tid!, value!)
    }
    for (const [pid, tid, index, capacity] of rowsOf(capacities, capacityStride))
      if (pid === this.#pid && nameOf(index) === 'stack') this.capacities.set(tid!, capacity!)
    for (const { pid, tid, limit, reason } of unreadable) {
      if (pid !== this.#pid || limit !== 'stack') continue
      this.reasons.set(tid, reason)
      this.depths.delete(tid)
    }
    return this
  }
}

async function tidsOf(program: Program, count: number): Promise<number[]> {
  const tids: number[] = []
  while (tids.length < count) tids.push(Number(await program.line()))
  return tids
}

const KiB = 1024

test.each(['gcc', 'gcc-static'] as const)(
  'each of eight stacks side by side has its own depth and size (%s)',
  async (compiler) => {
    const program = await startForTest('side-by-side', ['library', 8], { compiler })
    const tids = await tidsOf(program, 8)
    const stacks = new Stacks(program.pid)
    await until(
      () => stacks.scan(),
      ({ depths }) => tids.every((tid) => depths.has(tid)),
    )
    for (const [place, tid] of tids.entries()) {
      expect(stacks.depths.get(tid)).toBeLessThan(32 * KiB)
      expect(stacks.sizes.get(tid)).toBe((place + 1) * 256 * KiB)
      expect(stacks.capacities.get(tid)).toBe((place + 1) * 256 * KiB)
    }
  },
)

test('without descriptors, the bounds of stacks side by side are unknown, with the reason', async () => {
  const program = await startForTest('side-by-side', ['bare', 3])
  const stacks = new Stacks(program.pid)
  // The first one was alone in the mapping at first.
  const tids: number[] = []
  for (let count = 0; count < 3; count++) {
    tids.push(...(await tidsOf(program, 1)))
    stacks.scan()
  }
  await until(
    () => stacks.scan(),
    ({ reasons }) => tids.every((tid) => reasons.has(tid)),
  )
  for (const tid of tids) {
    expect(stacks.reasons.get(tid)).toMatch(/several threads have their stacks in one mapping/)
    expect(stacks.depths.has(tid)).toBe(false)
  }
})

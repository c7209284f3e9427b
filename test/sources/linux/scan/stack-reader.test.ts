/** Stacks of real threads side by side in one mapping, and of running threads, read by a scan in this process. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type ScannedLimit, scannedLimits } from '../../../../src/sources/linux/linux-limits.ts'
import { ProcFiles } from '../../../../src/sources/linux/native/proc-files.ts'
import { capacityStride, type ScanReport, valueStride } from '../../../../src/sources/linux/protocol.ts'
import { readHugePageSizes } from '../../../../src/sources/linux/scan/huge-pages.ts'
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
  scanner.scanFull({ now: Date.now(), bootMs: performance.now() })
  return report.finish({ kind: 'full', startedAt: 0, finishedAt: 0, cpuMs: 0, periodMs: 0 })
}

/** Collects reports about the threads of a process. It is armed, so that its stacks are looked up at once. */
class Stacks {
  readonly #pid: number
  readonly depths = new Map<number, number>()
  readonly qualities = new Map<number, number>()
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
    for (const [pid, tid, index, value, quality] of rowsOf(values, valueStride)) {
      if (pid !== this.#pid) continue
      if (nameOf(index) === 'stack') {
        this.depths.set(tid!, value!)
        this.qualities.set(tid!, quality!)
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

/** Kernels before 6.7 use huge pages for any stack if the setting is `always`; newer ones only on request. */
describe('the stack of a running thread', () => {
  const MiB = 1024 * KiB
  const pageBytes = 4 * KiB

  async function measure(mode: string, depthKiB: number) {
    const program = await startForTest('huge-stack', [mode, depthKiB])
    const [tid] = await tidsOf(program, 1)
    const stacks = new Stacks(program.pid)
    await until(
      () => stacks.scan(),
      ({ depths, reasons }) => depths.has(tid!) || reasons.has(tid!),
    )
    const smaps = readFileSync(`/proc/${program.pid}/smaps`, 'latin1')
    const hugeBytes = [...smaps.matchAll(/^AnonHugePages: +(\d+) kB/gm)].reduce(
      (sum, [, kB]) => sum + Number(kB) * KiB,
      0,
    )
    return {
      depth: stacks.depths.get(tid!),
      quality: stacks.qualities.get(tid!),
      reason: stacks.reasons.get(tid!),
      hugeBytes,
    }
  }

  test('is known to the page if it uses small pages', async () => {
    const { depth, quality } = await measure('plain', 3000)
    expect(quality).toBe(1)
    expect(depth! / KiB).toBeGreaterThan(2950)
    expect(depth! / KiB).toBeLessThan(3100)
  })

  test.each([8, 3000])(
    'is not deeper than %d KiB because of huge pages, and the granularity is reported',
    async (depthKiB) => {
      const { depth, quality, hugeBytes } = await measure('huge', depthKiB)
      expect(depth).toBeLessThanOrEqual(depthKiB * KiB + 8 * pageBytes)
      // The kernel gives no huge page when memory is fragmented.
      if (hugeBytes === 0) return
      expect(quality).toBeGreaterThan(MiB)
      expect(quality).toBeLessThanOrEqual(2 * MiB)
      expect(depth! + quality!).toBeGreaterThan(depthKiB * KiB)
    },
  )

  test('is unknown if all of it is present because it is locked', async () => {
    const { depth, reason } = await measure('locked', 8)
    expect(depth).toBeUndefined()
    expect(reason).toMatch(/every page of its stack is present/)
  })
})

test('the sizes of huge pages are read from the settings, largest first', () => {
  const root = mkdtempSync(join(tmpdir(), 'introspectd-'))
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  try {
    expect(readHugePageSizes(join(root, 'absent'))).toEqual([2 * 1024 * KiB])
    write('hpage_pmd_size', '2097152\n')
    write('enabled', 'always madvise [never]\n')
    write('hugepages-64kB/enabled', 'always [inherit] madvise never\n')
    write('hugepages-32kB/enabled', 'always inherit madvise [never]\n')
    write('hugepages-16kB/enabled', 'always inherit [madvise] never\n')
    expect(readHugePageSizes(root)).toEqual([2 * 1024 * KiB, 16 * KiB])
    write('enabled', 'always [madvise] never\n')
    expect(readHugePageSizes(root)).toEqual([2 * 1024 * KiB, 64 * KiB, 16 * KiB])
  } finally {
    rmSync(root, { recursive: true })
  }
})

/** Measures the wall-clock time of a full scan of 4,000 idle threads, compared with `ps` printing the same data. */

import { execFileSync } from 'node:child_process'
import { ServiceClock } from '../../src/runtime/clock.ts'
import type { ScanReport } from '../../src/sources/linux/protocol.ts'
import { startScanner } from '../../src/sources/linux/workers.ts'
import { start } from '../../test/support/programs.ts'
import { interleave, type Measure, timed } from '../measure.ts'

const warmUpScans = 12
const rounds = 15

const measure = (name: string, processes: number, threads: number): Measure => ({
  name,
  what: `full scan of ${processes} × ${threads} threads at rest; ps -eLo pid,tid,stat,wchan`,
  target: { text: '≥ 15 times less', met: ({ ours, reference }) => reference / ours >= 15 },
  run: async () => {
    const flock = await start('threads', [processes, threads])
    const waiting: ((report: ScanReport) => void)[] = []
    const scanner = startScanner(
      // Unlimited budgets: the duration of a pass is measured, and not its frequency.
      {
        clockOffset: new ServiceClock().offset,
        procRoot: '/proc',
        cgroupRoot: '/sys/fs/cgroup',
        periodMs: 1000,
        fullPeriodMs: 100,
        idleBudget: 1,
        armedBudget: 1,
      },
      (message) => {
        if (message.type === 'scan' && message.kind === 'full') for (const take of waiting.splice(0)) take(message)
      },
      (error) => {
        throw error
      },
    )
    const nextScan = () => new Promise<ScanReport>((resolve) => waiting.push(resolve))
    for (let count = 0; count < warmUpScans; count++) await nextScan()
    const figures = await interleave(rounds, {
      ours: async () => {
        const { startedAt, finishedAt } = await nextScan()
        return finishedAt - startedAt
      },
      reference: () => timed(() => execFileSync('ps', ['-eLo', 'pid,tid,stat,wchan'], { maxBuffer: 1 << 26 })),
    })
    await scanner.stop()
    await flock.stop()
    return { ...figures, unit: 'ms' }
  },
})

export const scan = measure('scan', 100, 40)
export const scanWide = measure('scan-wide', 1000, 4)

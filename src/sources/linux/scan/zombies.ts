/** Counts the children of each process that ended and were not collected. The passes have found them already. */

import { scannedIndex } from '../protocol.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { ReportBuilder } from './report-builder.ts'

/** Reports a number that changed, and that of each process that ran in this scan. */
export function reportZombies(processes: Iterable<TrackedProcess>, report: ReportBuilder, scan: number): void {
  const all = [...processes]
  const counts = new Map<number, number>()
  for (const { zombie, facts } of all)
    if (zombie && facts !== null) counts.set(facts.parent, (counts.get(facts.parent) ?? 0) + 1)
  for (const process of all) {
    if (process.zombie || process.facts === null) continue
    const count = counts.get(process.pid) ?? 0
    const isDue = process.lastRanScan === scan || process.lastReported[scannedIndex.zombies] !== count
    if (isDue) report.value(process, 'zombies', count)
  }
}

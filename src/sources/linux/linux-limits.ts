/**
 * Looks up how Linux reads each limit: whether in the scan worker, from which feed, and where it has a capacity. All of
 * it is derived from the tables of limits and rlimits.
 */

import { type Level, type LimitRow, levels } from '../../kernel/limits/limit-row.ts'
import { type LinuxFeed, type LinuxReading, type StatusLine, scanFeeds } from '../../kernel/limits/linux-reading.ts'
import { type RlimitRow, rlimits } from '../../kernel/limits/rlimits.ts'
import { type LimitName, limitIndex, limits } from '../../kernel/limits/table.ts'

type ScanFeed = (typeof scanFeeds)[number]
type ScannedRow = Extract<(typeof limits)[number], { readonly linux: { readonly from: ScanFeed } }>

/** A limit that the scan worker reads for each process or thread. */
export type ScannedLimit = ScannedRow['name']

const rows: readonly LimitRow[] = limits

/** The limits that the scan worker reads, in the order of the table. */
export const scannedLimits: readonly ScannedLimit[] = limits.filter(isScanned).map(({ name }) => name)

function isScanned(row: (typeof limits)[number]): row is ScannedRow {
  return 'from' in row.linux && (scanFeeds as readonly LinuxFeed[]).includes(row.linux.from)
}

/** The reading that feeds a limit; null where Linux cannot measure it. */
export function linuxReading(limit: LimitName): LinuxReading | null {
  const { linux } = rows[limitIndex[limit]]!
  return 'unavailable' in linux ? null : linux
}

/** The feed of a limit at a level; null where the limit adds up from below, or cannot be read. */
export function feedAt(limit: LimitName, level: Level): LinuxFeed | null {
  const reading = linuxReading(limit)
  if (rows[limitIndex[limit]]!.home === level) return reading?.from ?? null
  return reading?.above?.[level] ?? null
}

/** Whether a limit is read at a level only while it is watched or was requested lately. */
export function isOnDemand(limit: LimitName, level: Level): boolean {
  return linuxReading(limit)?.onDemand?.includes(level) ?? false
}

/** Limits that are read on demand for each process or thread. */
export const demandedLimits = scannedLimits.filter((name) => isOnDemand(name, rows[limitIndex[name]]!.home))

/** Limits that are read on demand for partitions or the machine. A bit of a mask stands for each, in this order. */
export const containerLimits = limits
  .map(({ name }) => name)
  .filter((name) => {
    const { home } = rows[limitIndex[name]]!
    return isOnDemand(name, 'partition') && (home === 'partition' || feedAt(name, 'partition') !== null)
  })

export function containerBit(limit: LimitName): number {
  const place = containerLimits.indexOf(limit)
  return place < 0 ? 0 : 1 << place
}

/** Limits that are one line of `/proc/<pid>/status`, with that line. */
export const statusLimits = scannedLimits.flatMap((name): { name: ScannedLimit; status: StatusLine }[] => {
  const status = linuxReading(name)?.status
  return status === undefined ? [] : [{ name, status }]
})

/** Rlimits of Linux that are the capacity of a process for a limit. */
export const capacityRlimits = (rlimits as readonly RlimitRow[]).filter(
  (row): row is RlimitRow & { readonly limit: LimitName } => row.limit !== null && (row.linux?.isCapacity ?? false),
)

/** The levels at which a limit has a capacity that is read. */
export function capacityLevels(limit: LimitName): readonly Level[] {
  const read = linuxReading(limit)?.capacity ?? {}
  const hasRlimit = capacityRlimits.some((row) => row.limit === limit)
  return levels.filter((level) => level in read || (level === 'process' && hasRlimit))
}

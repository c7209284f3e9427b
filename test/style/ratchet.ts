/** The ratchet of the style rules: how many faults each file may have. The numbers never grow. */

import { readFileSync } from 'node:fs'
import type { Finding } from './passage.ts'

export const allowancesPath = 'test/style/allowances.json'

/** Number of faults by path. */
export type Counts = Readonly<Record<string, number>>

/** Allowed faults by rule. */
export type Allowances = Readonly<Record<string, Counts>>

export function readAllowances(path: string): Allowances {
  return JSON.parse(readFileSync(path, 'utf8')) as Allowances
}

export function countsOf(findings: readonly Finding[]): Counts {
  const byPath = Map.groupBy(findings, ({ path }) => path)
  return Object.fromEntries([...byPath].map(([path, found]) => [path, found.length]))
}

/** @returns A complaint for each file with more or fewer faults than it is allowed, with the command that helps. */
export function complaints(rule: string, found: Counts, allowed: Counts): string[] {
  const paths = new Set([...Object.keys(allowed), ...Object.keys(found)])
  return [...paths].sort().flatMap((path) => {
    const [now, most] = [found[path] ?? 0, allowed[path] ?? 0]
    if (now === most) return []
    const command = now > most ? `--rule ${rule} ${path}` : '--shrink'
    return [`${path}: ${now} faults of rule "${rule}", ${most} allowed: npm run prose -- ${command}`]
  })
}

/**
 * Lowers allowances to the present counts and raises none. A file that was moved takes over from its old path: a new
 * file may have as many faults as the allowances of files that no longer exist still leave, so the sum never grows.
 *
 * @param exists Says whether the checkout has a file at this path.
 */
export function shrink(found: Counts, allowed: Counts, exists: (path: string) => boolean): Counts {
  let released = 0
  for (const [path, count] of Object.entries(allowed)) if (!exists(path)) released += count

  const shrunk: Record<string, number> = {}
  for (const [path, count] of Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const before = allowed[path]
    const granted = Math.min(count, before ?? released)
    if (before === undefined) released -= granted
    if (granted > 0) shrunk[path] = granted
  }
  return shrunk
}

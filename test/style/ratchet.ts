/** The ratchet of the style rules: how many faults each file may have. The numbers never grow. */

import type { Finding } from './passage.ts'

/** Number of faults by path. */
export type Counts = Readonly<Record<string, number>>

export function countsOf(findings: readonly Finding[]): Counts {
  const byPath = Map.groupBy(findings, ({ path }) => path)
  return Object.fromEntries([...byPath].map(([path, found]) => [path, found.length]))
}

export interface Difference {
  readonly path: string
  readonly found: number
  readonly allowed: number
}

/** Files with more or fewer faults than they are allowed. */
export function differences(found: Counts, allowed: Counts): Difference[] {
  const paths = new Set([...Object.keys(allowed), ...Object.keys(found)])
  return [...paths]
    .sort()
    .map((path) => ({ path, found: found[path] ?? 0, allowed: allowed[path] ?? 0 }))
    .filter((one) => one.found !== one.allowed)
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

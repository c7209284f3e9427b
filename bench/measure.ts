/**
 * Defines a measure and makes its figures comparable: it alternates between the subject and its reference, and takes
 * medians of many rounds.
 */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Figures {
  readonly ours: number
  readonly reference: number
  readonly unit: string
}

export interface Measure {
  readonly name: string
  /** Describes the measured work; the reference follows after a semicolon. */
  readonly what: string
  readonly target: { readonly text: string; readonly met: (figures: Figures) => boolean } | null
  /** Programs that it starts, with the Debian package of each. */
  readonly needs?: Readonly<Record<string, string>>
  readonly run: () => Promise<Figures>
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** @param share from 0 to 1 */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

/** Alternates between both, so that a temporary slowdown of the machine affects both. */
export async function interleave(
  rounds: number,
  { ours, reference }: { ours: () => number | Promise<number>; reference: () => number | Promise<number> },
): Promise<{ ours: number; reference: number }> {
  const figures = { ours: [] as number[], reference: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    figures.ours.push(await ours())
    figures.reference.push(await reference())
  }
  return { ours: median(figures.ours), reference: median(figures.reference) }
}

/** Wall-clock time of a synchronous function in milliseconds. */
export function timed(thing: () => void): number {
  const begun = performance.now()
  thing()
  return performance.now() - begun
}

/** CPU time of this process during a synchronous function, in milliseconds, with the garbage collector's threads. */
export function cpuTimed(thing: () => void): number {
  const before = process.cpuUsage()
  thing()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Bytes of memory that the created value retains, including typed arrays. */
export function heldBytes(make: () => unknown): number {
  const held = () => {
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = held()
  const made = make()
  const after = held()
  // Uses the value after the measurement, so that it is not collected before.
  if (made === undefined) throw new Error('nothing was made')
  return after - before
}

function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  // A collection may free only what an earlier one found, so several are necessary.
  for (let times = 0; times < 3; times++) gc()
}

/** What a measure is, and how figures are made comparable: two things in turn, the medians of many rounds. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Figures {
  readonly ours: number
  readonly reference: number
  readonly unit: string
}

export interface Measure {
  readonly name: string
  /** What is measured, and against what. */
  readonly what: string
  readonly target: { readonly text: string; readonly met: (figures: Figures) => boolean } | null
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

/** The two in turn, so that a machine that is slow for a while is slow for both. */
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

/** Wall milliseconds that a synchronous thing takes. */
export function timed(thing: () => void): number {
  const begun = performance.now()
  thing()
  return performance.now() - begun
}

/** CPU milliseconds of this process, the collector's threads included: what a synchronous thing costs on a shared machine. */
export function cpuTimed(thing: () => void): number {
  const before = process.cpuUsage()
  thing()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Bytes that what is made holds on to, typed arrays included. */
export function heldBytes(make: () => unknown): number {
  const held = () => {
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = held()
  const made = make()
  const after = held()
  // It is in use until here, or it would have been collected before it was measured.
  if (made === undefined) throw new Error('nothing was made')
  return after - before
}

function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  // What the first finds free it frees only with the next.
  for (let times = 0; times < 3; times++) gc()
}

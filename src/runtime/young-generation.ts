/**
 * Bounds the young generation of the heap. In a storm of births and deaths V8 would let it grow to 128 MiB, and it does
 * not return that memory when the storm is over. The flag for the maximum works at the start of Node only, so this
 * stops the growth: it changes the growth factor, which V8 reads at each growth.
 */

import { PerformanceObserver } from 'node:perf_hooks'
import v8 from 'node:v8'
import { bounds } from '../base/bounds.ts'

const flag = '--semi-space-growth-factor'
const [still, standard] = [1, 2]

function youngBytes(): number {
  return v8.getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
}

/** Begins to watch the collections of garbage. Without any, it costs nothing. Returns the function that ends it. */
export function boundYoungGeneration(bytesMax = bounds.youngGenerationBytesMax): () => void {
  let factor = standard
  const check = (): void => {
    // It grows by doubling. V8 shrinks it when little is allocated, and then it has to be able to grow again.
    const wanted = youngBytes() * standard > bytesMax ? still : standard
    if (wanted === factor) return
    factor = wanted
    v8.setFlagsFromString(`${flag}=${factor}`)
  }
  check()
  const observer = new PerformanceObserver(check)
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}

/** The bound of the young generation, in a process of its own: flags of V8 hold for the whole process. */

import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

const module = new URL('../../src/runtime/young-generation.ts', import.meta.url).href

/** Allocates in turns, as a storm of events does, and prints the largest size of the young generation in MiB. */
function largest(bound: boolean): number {
  const script = `
    import v8 from 'node:v8'
    import { setImmediate as turn } from 'node:timers/promises'
    if (${bound}) (await import('${module}')).boundYoungGeneration()
    let most = 0
    let cached = []
    for (let round = 0; round < 120; round++) {
      for (let count = 0; count < 20_000; count++) cached.push({ count, name: 'x' + count, list: [count] })
      cached = cached.slice(-60_000)
      await turn()
      most = Math.max(most, v8.getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size)
    }
    console.log(Math.round(most / 2 ** 20))`
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }))
}

test('in a storm of allocations the young generation stays small', () => {
  expect(largest(false)).toBeGreaterThan(100)
  expect(largest(true)).toBeLessThanOrEqual(70)
})

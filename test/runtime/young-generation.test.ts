/** The bound of the young generation, in a process of its own: flags of V8 hold for the whole process. */

import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

const module = new URL('../../src/runtime/young-generation.ts', import.meta.url).href
/** Without a bound the young generation grows beyond this, in MiB. */
const unboundMiB = 100

interface Storm {
  readonly bound: boolean
  readonly rounds: number
}

interface Grown {
  /** Largest size of the young generation. */
  readonly mostMiB: number
  readonly rounds: number
}

/** Allocates in turns, as a storm of events does, until the rounds are over or the young generation is very large. */
function grow({ bound, rounds }: Storm): Grown {
  const script = `
    import v8 from 'node:v8'
    import { setImmediate as turn } from 'node:timers/promises'
    if (${bound}) (await import('${module}')).boundYoungGeneration()
    let [most, round, cached] = [0, 0, []]
    for (; round < ${rounds} && most <= ${unboundMiB}; round++) {
      for (let count = 0; count < 20_000; count++) cached.push({ count, name: 'x' + count, list: [count] })
      cached = cached.slice(-60_000)
      await turn()
      const { space_size } = v8.getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
      most = Math.max(most, space_size / 2 ** 20)
    }
    console.log(JSON.stringify({ mostMiB: Math.round(most), rounds: round }))`
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }))
}

test('in a storm of allocations the young generation stays small', () => {
  // V8 decides by the objects that survive, and so by chance, when it lets it grow.
  const free = grow({ bound: false, rounds: 3000 })
  expect(free.mostMiB).toBeGreaterThan(unboundMiB)
  expect(grow({ bound: true, rounds: 2 * free.rounds }).mostMiB).toBeLessThanOrEqual(70)
})

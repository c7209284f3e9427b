/**
 * Runs every interleaving of small systems through the real kernel and compares the deadlock detector with the truth.
 * Also breaks the detector on purpose, which the exploration must notice. `npm run explore` does the same for large
 * systems.
 */

import { describe, expect, test } from 'vitest'
import { WaitGraph } from '../../../src/kernel/deadlock/wait-graph.ts'
import { ModelThread } from '../../../src/model/objects/model-thread.ts'
import { Exploration, type Found } from './explore/exploration.ts'
import { smallPlans } from './explore/plans.ts'

const explore = (name: string): Found => new Exploration(smallPlans[name]!).run()

test.each(Object.keys(smallPlans))(
  'the detector is right in every state of %s',
  (name) => {
    const { states, stuck, detected, eventCounts, mistakes } = explore(name)
    console.log(`${name}: ${states} states, ${stuck} times a thread was stuck, ${detected} of them found`)
    expect([...mistakes]).toEqual([])
    // Guards against an exploration that finds almost nothing.
    expect(states).toBeGreaterThan(700)
    expect(detected).toBeGreaterThan(300)
    expect(eventCounts['deadlock.detected']).toBeGreaterThan(50)
  },
  60_000,
)

const mistakesOf = (found: Found): string[] => [...found.mistakes.keys()]

const incomplete = 'incomplete: never released, all traced, and not detected'
const unsound = 'unsound: detected, and released by a continuation'

type Getter<Name extends 'wait' | 'lock'> = (thread: ModelThread, was: ModelThread[Name]) => ModelThread[Name]

/** Calls `run` while the property of every model thread returns the result of `change`. */
function withGetter<Name extends 'wait' | 'lock', T>(name: Name, change: Getter<Name>, run: () => T): T {
  const { prototype } = ModelThread
  const before = Object.getOwnPropertyDescriptor(prototype, name)!
  Object.defineProperty(prototype, name, {
    configurable: true,
    get(this: ModelThread) {
      return change(this, before.get!.call(this))
    },
  })
  try {
    return run()
  } finally {
    Object.defineProperty(prototype, name, before)
  }
}

/** Calls `run` while the detector cannot see waits in these states. */
const withoutTracing = <T>(states: readonly string[], run: () => T): T =>
  withGetter(
    'lock',
    ({ blocker }, lock) => (states.includes(blocker?.state ?? '') ? null : lock),
    () => withGetter('wait', (_, wait) => (states.includes(wait?.state ?? '') ? null : wait), run),
  )

describe('the exploration', () => {
  test.each([
    { states: ['JOIN'], plan: 'two locks, joins and ends' },
    { states: ['SEND'], plan: 'two servers of two threads' },
    { states: ['REPLY'], plan: 'two servers of two threads' },
    { states: ['MUTEX'], plan: 'two locks, joins and ends' },
    { states: ['CONDVAR'], plan: 'a condition and another lock' },
  ])(
    'catches a detector that does not trace $states',
    ({ states, plan }) => {
      expect(mistakesOf(withoutTracing(states, () => explore(plan)))).toContain(incomplete)
    },
    60_000,
  )

  test('catches a detector that assumes only the receiver can reply', () => {
    const found = withGetter(
      'wait',
      (thread, wait) =>
        wait?.state !== 'REPLY' || wait.likely === null
          ? wait
          : { state: 'JOIN', object: wait.object, evidence: null, releaser: wait.likely, owner: thread.path },
      () => explore('two servers of two threads'),
    )
    expect(mistakesOf(found)).toContain(unsound)
  }, 60_000)

  test('catches a detector that counts down free releasers and so misses loops among victims', () => {
    const putBack = CountingGraph.install()
    try {
      expect(mistakesOf(explore('a shared lock and messages'))).toContain(incomplete)
    } finally {
      putBack()
    }
  }, 60_000)
})

/** Wrong on purpose: a waiter is stuck only once all its releasers are known to be, which never happens in a loop. */
class CountingGraph extends WaitGraph {
  countDown(from: readonly number[]): void {
    const stuck = [...from]
    for (const node of stuck)
      this.eachBehind(node, (behind) => {
        if (this.isStuck(behind)) return
        const isProcess = !this.isThread(behind) && !this.isLock(behind)
        if (isProcess && this.hasFree(behind)) return
        if (![...this.onward(behind)].every((to) => this.isStuck(to))) return
        this.settleStuck(behind)
        stuck.push(behind)
      })
  }

  /** Replaces the method in all graphs. @returns a function that restores the original. */
  static install(): () => void {
    const before = Object.getOwnPropertyDescriptor(WaitGraph.prototype, 'spread')!
    const countDown = Object.getOwnPropertyDescriptor(CountingGraph.prototype, 'countDown')!
    Object.defineProperty(WaitGraph.prototype, 'spread', countDown)
    return () => Object.defineProperty(WaitGraph.prototype, 'spread', before)
  }
}

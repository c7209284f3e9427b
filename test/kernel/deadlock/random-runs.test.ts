/** Random sequences of all kinds of kernel calls. After each the deadlock detector must match a full recomputation. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Kernel } from '../../../src/kernel/kernel.ts'
import { modelAbilities } from '../../../src/model/abilities.ts'
import { Machine } from '../../../src/model/machine.ts'
import { numbersOfStep, operationOf, prologue, type Step } from '../../model/properties/choices.ts'
import { perform } from '../../model/properties/operations.ts'
import { detectedKnots, knotsByDefinition, releasersIfReceiversReply, stuckThreads } from './explore/definition.ts'
import { livingThreads } from './explore/system.ts'

const step: fc.Arbitrary<Step> = fc.array(fc.nat(2 ** 24), { minLength: numbersOfStep, maxLength: numbersOfStep })
const steps = fc.array(step, { minLength: 300, maxLength: 600, size: 'max' })

const paths = (threads: Iterable<{ path: string }>): string[] => [...threads].map(({ path }) => path).sort()

test('after every call of a long random run the detector finds exactly the stuck threads', () => {
  const seen = { steps: 0, stuck: 0, suspected: 0, events: new Map<string, number>() }
  fc.assert(
    fc.property(steps, (sequence) => {
      const kernel = new Kernel({ abilities: modelAbilities, firstRevision: 1, now: 0 })
      kernel.onEvent(({ type }) => seen.events.set(type, (seen.events.get(type) ?? 0) + 1))
      const machine = new Machine(kernel)
      for (const operation of prologue) perform(machine, operation)
      for (const each of sequence) {
        perform(machine, operationOf(machine, each))
        const living = livingThreads(machine)
        const stuck = stuckThreads(machine)
        const suspected = stuckThreads(machine, releasersIfReceiversReply)
        expect(paths(living.filter((thread) => kernel.deadlocks.isStuckThread(thread)))).toEqual(paths(stuck))
        expect(paths(living.filter((thread) => kernel.deadlocks.isSuspectThread(thread)))).toEqual(paths(suspected))
        expect(detectedKnots(machine)).toEqual(knotsByDefinition(stuck))
        seen.steps++
        seen.stuck += stuck.size
        seen.suspected += suspected.size - stuck.size
      }
    }),
    { seed: 20_070_425, numRuns: 60 },
  )
  // Guards against runs that are too short to prove anything.
  expect(seen.steps).toBeGreaterThan(12_000)
  expect(seen.stuck).toBeGreaterThan(5_000)
  expect(seen.suspected).toBeGreaterThan(0)
  for (const type of ['detected', 'orphaned', 'suspected', 'resolved'])
    expect(seen.events.get(`deadlock.${type}`), type).toBeGreaterThan(0)
}, 60_000)

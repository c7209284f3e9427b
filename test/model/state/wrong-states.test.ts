/** Property test of corrupted states: each is refused, or loads as a machine without inconsistencies. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KernelError } from '../../../src/kernel/errno.ts'
import { Kernel } from '../../../src/kernel/kernel.ts'
import { modelAbilities } from '../../../src/model/abilities.ts'
import { Machine } from '../../../src/model/machine.ts'
import { importState } from '../../../src/model/state/state.ts'
import { StateSchema, saveState } from '../../../src/tree/state.ts'
import { numbersOfStep, operationOf, prologue, type Step } from '../properties/choices.ts'
import { wrongs } from '../properties/invariants.ts'
import { perform } from '../properties/operations.ts'

const step: fc.Arbitrary<Step> = fc.array(fc.nat(2 ** 24), { minLength: numbersOfStep, maxLength: numbersOfStep })

interface Leaf {
  readonly holder: Record<string, unknown>
  readonly name: string
}

function* leavesOf(holder: Record<string, unknown>): Generator<Leaf> {
  for (const [name, value] of Object.entries(holder)) {
    yield { holder, name }
    if (typeof value === 'object' && value !== null) yield* leavesOf(value as Record<string, unknown>)
  }
}

/** Replaces a value by another of the same or another type. */
function spoil({ holder, name }: Leaf, leaves: readonly Leaf[], chance: number): void {
  const value = holder[name]
  const another = leaves[chance % leaves.length]!
  if (chance % 3 === 0) holder[name] = structuredClone(another.holder[another.name])
  else if (typeof value === 'number') holder[name] = value + (chance % 2 === 0 ? 1 : -1)
  else if (typeof value === 'boolean') holder[name] = !value
  else if (Array.isArray(value) && value.length > 0)
    chance % 2 === 0 ? value.pop() : value.push(structuredClone(value[0]))
  else if (Array.isArray(holder)) holder.splice(Number(name), 1)
  else holder[name] = null
}

const sequence = (maxLength: number) => fc.array(step, { minLength: 1, maxLength, size: 'max' })
const spoilings = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 40, maxLength: 40 })

test('a state with one wrong value is refused with EINVAL and its place, or loads as a consistent machine', () => {
  const done = { misshapen: 0, refused: 0, loaded: 0 }
  fc.assert(
    fc.property(sequence(60), spoilings, sequence(10), (before, chances, after) => {
      const machine = new Machine(new Kernel({ abilities: modelAbilities, firstRevision: 1, now: 0 }))
      for (const operation of prologue) perform(machine, operation)
      for (const each of before) perform(machine, operationOf(machine, each))
      const text = JSON.stringify(saveState(machine))
      for (const [place, chance] of chances) {
        const state = JSON.parse(text) as Record<string, unknown>
        const leaves = [...leavesOf(state)]
        spoil(leaves[place % leaves.length]!, leaves, chance)
        const loaded = load(state)
        if (typeof loaded === 'string') done[loaded]++
        else {
          done.loaded++
          expect(wrongs(loaded)).toEqual([])
          for (const each of after) perform(loaded, operationOf(loaded, each))
        }
      }
    }),
    { seed: 20_070_424, numRuns: 50, endOnFailure: true },
  )
  // The test is only meaningful if each of the three outcomes occurs.
  expect(Math.min(...Object.values(done))).toBeGreaterThan(200)
}, 60_000)

function load(given: unknown): Machine | 'misshapen' | 'refused' {
  const { data } = StateSchema.safeParse(given)
  if (data === undefined) return 'misshapen'
  const { path: _, ...state } = data
  try {
    return importState(state).machine
  } catch (error) {
    expect(error).toBeInstanceOf(KernelError)
    expect(error).toMatchObject({ errno: 'EINVAL', field: expect.any(String) })
    return 'refused'
  }
}

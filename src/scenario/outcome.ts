/** What came of a run. */

import type { KernelEvent } from '../kernel/events.ts'
import type { Machine } from '../model/machine.ts'
import { type Bindings, NoValue } from './names.ts'
import type { Place } from './problems.ts'
import { Random } from './random.ts'
import { evaluate, type Reference, referenceText, type Template } from './template.ts'

export interface RunOutcome {
  readonly machine: Machine
  readonly bindings: Bindings
  /** In the order in which they came. */
  readonly events: readonly KernelEvent[]
}

/** Something that was to be and is not. */
export interface Difference extends Place {
  readonly message: string
}

/** What is expected has nothing random in it. */
const noChance = new Random(0)

/** @throws NoValue where it names what has not come about */
export function fill(template: Template, { bindings }: RunOutcome): unknown {
  const lookUp = (reference: Reference): unknown => {
    if (bindings.isBound(reference)) return bindings.valueOf(reference, new Map())
    throw new NoValue(`there is no ${referenceText(reference)}: that call has not returned`)
  }
  return evaluate(template, { lookUp, random: noChance })
}

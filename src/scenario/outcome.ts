/** Defines the outcome of a run, and the values of expectations that refer to it. */

import type { KernelEvent } from '../kernel/events.ts'
import type { Machine } from '../model/machine.ts'
import { type Bindings, NoValue } from './names.ts'
import type { Place } from './problems.ts'
import { Random } from './random.ts'
import { evaluate, type Reference, referenceText, type Template } from './template.ts'

export interface RunOutcome {
  readonly machine: Machine
  readonly bindings: Bindings
  /** In the order of their emission. */
  readonly events: readonly KernelEvent[]
}

/** An expectation that was not met, with its place in the file. */
export interface Difference extends Place {
  readonly message: string
}

/** Expectations contain no random values, so this generator is never used. */
const noChance = new Random(0)

/** Replaces references by their values. @throws NoValue if a referenced call has not returned */
export function fill(template: Template, { bindings }: RunOutcome): unknown {
  const lookUp = (reference: Reference): unknown => {
    if (bindings.isBound(reference)) return bindings.valueOf(reference, new Map())
    throw new NoValue(`there is no ${referenceText(reference)}: that call has not returned`)
  }
  return evaluate(template, { lookUp, random: noChance })
}

/** Compares the outcome of a run with the expectations of its scenario, and reports the differences. */

import { KernelError } from '../kernel/errno.ts'
import { limitIndex } from '../kernel/limits/table.ts'
import { missesIn } from './compare.ts'
import { eventDifferences } from './compare-events.ts'
import type { Expectations, ResultExpectation, StateExpectation, UsageExpectation } from './expectations.ts'
import { nodeOf } from './limit-path.ts'
import { NoValue } from './names.ts'
import { type Difference, fill, type RunOutcome } from './outcome.ts'
import type { Place } from './problems.ts'
import { referenceText } from './template.ts'

/** Preconditions: all processes of the file were created. */
export function differencesOf({ events, states, usage, results }: Expectations, outcome: RunOutcome): Difference[] {
  return [
    ...eventDifferences(events, outcome),
    ...states.flatMap((one) => compared(one, referenceText(one.thread), () => stateOf(one, outcome))),
    ...usage.flatMap((one) => compared(one, one.path.text, () => usageOf(one, outcome))),
    ...results.flatMap((one) => compared(one, referenceText(one.result), () => resultOf(one, outcome))),
  ]
}

interface Pair {
  readonly wanted: unknown
  readonly actual: unknown
}

/** @returns at most one difference, even if several fields differ */
function compared({ place }: { readonly place: Place }, name: string, take: () => Pair): Difference[] {
  try {
    const { wanted, actual } = take()
    const misses = missesIn(wanted, actual, '')
    return misses.length === 0 ? [] : [{ ...place, message: `${name}: ${misses.join('; ')}` }]
  } catch (error) {
    if (!(error instanceof NoValue || error instanceof KernelError)) throw error
    return [{ ...place, message: `${name}: ${error.message}` }]
  }
}

function stateOf({ thread: { name, fields }, state, on, priority }: StateExpectation, outcome: RunOutcome): Pair {
  const thread = outcome.bindings.processes.get(name)!.threads.get(fields[0]!)!
  return {
    wanted: { state, ...(on !== null && { on: fill(on, outcome) }), ...(priority !== null && { priority }) },
    actual: { state: thread.condition.state, on: thread.waitsOn, priority: thread.priority },
  }
}

/** @throws KernelError if the node no longer exists */
function usageOf({ path, value, peak, capacity }: UsageExpectation, { machine, bindings }: RunOutcome): Pair {
  const node = nodeOf(machine, path, bindings)
  const wanted = Object.entries({ value, peak, capacity }).filter(([, amount]) => amount !== null)
  return { wanted: Object.fromEntries(wanted), actual: machine.kernel.notifier.read(node, limitIndex[path.limit]) }
}

/** @throws NoValue if the call has not returned */
function resultOf({ result: { name }, value }: ResultExpectation, outcome: RunOutcome): Pair {
  const actual = outcome.bindings.results.get(name)
  if (actual === undefined) throw new NoValue('that call has not returned')
  if (typeof value === 'string') return { wanted: { errno: value }, actual }
  const wanted = fill(value, outcome)
  // A failed call returns no fields, so the difference is the failure itself.
  return actual.errno === undefined ? { wanted, actual } : { wanted, actual: actual.errno }
}

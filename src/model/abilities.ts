/** States the abilities of the model: it measures everything as it happens, and allows every action. */

import type { Abilities } from '../kernel/kernel.ts'
import type { LimitRow } from '../kernel/limits/limit-row.ts'
import { limits } from '../kernel/limits/table.ts'
import { alwaysArrives, signalRows } from './signals.ts'

const signals = signalRows.map((signal) => {
  const why = alwaysArrives(signal)
  return { number: signal.number, name: signal.name, refusable: why === null, why }
})

const unavailable = Object.fromEntries(
  (limits as readonly LimitRow[]).flatMap(({ name, model }) =>
    model === undefined ? [] : [[name, model.unavailable]],
  ),
)

export const modelAbilities: Abilities = {
  unavailable,
  capacities: {},
  period: () => null,
  actions: { signals, noDenying: null, noActing: null },
}

/** Abilities of the model: it measures everything as it happens, and allows every action. */

import type { Abilities } from '../kernel/kernel.ts'
import { alwaysArrives, signalRows } from './signals.ts'

const signals = signalRows.map((signal) => {
  const why = alwaysArrives(signal)
  return { number: signal.number, name: signal.name, refusable: why === null, why }
})

export const modelAbilities: Abilities = {
  unavailable: {},
  capacities: {},
  period: () => null,
  actions: { signals, noDenying: null, noActing: null },
}

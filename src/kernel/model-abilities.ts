/** What the model can measure: everything, as it happens. */

import type { Abilities } from './kernel.ts'

export const modelAbilities: Abilities = { unavailable: {}, capacities: {}, period: () => null }

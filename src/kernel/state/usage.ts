/** What is counted at a node. */

import type { Kernel } from '../kernel.ts'
import { type LimitName, limits } from '../limits/table.ts'
import { type Held, heldBy } from '../limits/usage.ts'
import type { Node } from '../objects/node.ts'

/** Of one limit; what is left out is the usual: nothing of it is unreadable or estimated, and it has no capacity. */
export interface HeldState {
  readonly value: number
  readonly peak: number
  readonly known: number
  readonly unreadable?: number
  readonly estimated?: number
  readonly capacity?: number
  readonly at?: number
  /** Why it cannot be read. */
  readonly unavailable?: string
}

/** Limits of which nothing was ever known, and that have no capacity, are left out. */
export type UsageState = Readonly<Partial<Record<LimitName, HeldState>>>

const usual: Held = {
  value: 0,
  peak: 0,
  capacity: Number.POSITIVE_INFINITY,
  at: 0,
  known: 0,
  unreadable: 0,
  estimated: 0,
}
const rare = ['unreadable', 'estimated', 'capacity', 'at'] as const

export function exportUsage(node: Node): UsageState {
  const state: Partial<Record<LimitName, HeldState>> = {}
  for (const [index, { name }] of limits.entries()) {
    const held = heldBy(node, index)
    const { value, peak, known } = held
    const unusual = rare.filter((key) => held[key] !== usual[key])
    if (value === 0 && peak === 0 && known === 0 && unusual.length === 0) continue
    const unavailable = node.unavailable.get(index)
    state[name] = {
      value,
      peak,
      known,
      ...Object.fromEntries(unusual.map((key) => [key, held[key]])),
      ...(unavailable !== undefined && { unavailable }),
    }
  }
  return state
}

export function importUsage({ usage }: Kernel, node: Node, state: UsageState): void {
  node.unavailable.clear()
  for (const [index, { name }] of limits.entries()) {
    const { unavailable, ...held }: Partial<HeldState> = state[name] ?? {}
    usage.restore(node, index, { ...usual, ...held })
    if (unavailable !== undefined) node.unavailable.set(index, unavailable)
  }
}

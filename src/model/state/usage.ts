/** What is counted at a node. */

import type { Kernel } from '../../kernel/kernel.ts'
import { type Level, type LimitName, limits } from '../../kernel/limits/table.ts'
import type { Held } from '../../kernel/limits/usage.ts'
import type { Node } from '../../kernel/nodes/node.ts'

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
  unavailable: null,
}
const rare = ['unreadable', 'estimated', 'capacity', 'at', 'unavailable'] as const

function limitsAt({ level }: Node) {
  return limits.flatMap(({ name, at }, index) => ((at as readonly Level[]).includes(level) ? [{ index, name }] : []))
}

export function exportUsage({ usage }: Kernel, node: Node): UsageState {
  const state: Partial<Record<LimitName, HeldState>> = {}
  for (const { index, name } of limitsAt(node)) {
    const held = usage.held(node, index)
    const { value, peak, known } = held
    const unusual = rare.filter((key) => held[key] !== usual[key])
    if (value === 0 && peak === 0 && known === 0 && unusual.length === 0) continue
    state[name] = {
      value,
      peak,
      known,
      ...Object.fromEntries(unusual.map((key) => [key, held[key]])),
    }
  }
  return state
}

export function importUsage({ usage }: Kernel, node: Node, state: UsageState): void {
  for (const { index, name } of limitsAt(node)) usage.restore(node, index, { ...usual, ...state[name] })
}

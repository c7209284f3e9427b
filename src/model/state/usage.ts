/** Saves and restores the counters of a node. */

import type { Kernel } from '../../kernel/kernel.ts'
import type { Level } from '../../kernel/limits/limit-row.ts'
import { type LimitName, limits } from '../../kernel/limits/table.ts'
import type { Held } from '../../kernel/limits/usage.ts'
import type { Node } from '../../kernel/nodes/node.ts'

/** Counter of one limit. Fields which have their default are left out: nothing unreadable or estimated, no capacity. */
export interface HeldState {
  readonly value: number
  readonly peak: number
  readonly known: number
  readonly unreadable?: number
  readonly estimated?: number
  readonly capacity?: number
  readonly at?: number
  /** The reason why it cannot be read. */
  readonly unavailable?: string
}

/** Counters by limit. Limits without a known value and without a capacity are left out. */
export type UsageState = Readonly<Partial<Record<LimitName, HeldState>>>

const defaults: Held = {
  value: 0,
  peak: 0,
  capacity: Number.POSITIVE_INFINITY,
  at: 0,
  known: 0,
  unreadable: 0,
  estimated: 0,
  unavailable: null,
}
const optional = ['unreadable', 'estimated', 'capacity', 'at', 'unavailable'] as const

function limitsAt({ level }: Node) {
  return limits.flatMap(({ name, at }, index) => ((at as readonly Level[]).includes(level) ? [{ index, name }] : []))
}

export function exportUsage({ usage }: Kernel, node: Node): UsageState {
  const state: Partial<Record<LimitName, HeldState>> = {}
  for (const { index, name } of limitsAt(node)) {
    const held = usage.held(node, index)
    const { value, peak, known } = held
    const present = optional.filter((key) => held[key] !== defaults[key])
    if (value === 0 && peak === 0 && known === 0 && present.length === 0) continue
    state[name] = {
      value,
      peak,
      known,
      ...Object.fromEntries(present.map((key) => [key, held[key]])),
    }
  }
  return state
}

export function importUsage({ usage }: Kernel, node: Node, state: UsageState): void {
  for (const { index, name } of limitsAt(node)) usage.restore(node, index, { ...defaults, ...state[name] })
}

/** What the live source can measure, and where Linux sets a capacity. */

import { durationText } from '../../duration.ts'
import type { Abilities } from '../../kernel/kernel.ts'
import type { LimitName } from '../../kernel/limits/table.ts'

const unavailable: Abilities['unavailable'] = {
  mutexes: 'Linux knows the owner of a lock only while somebody waits for it',
}

const capacities: Abilities['capacities'] = {
  fds: ['process', 'system'],
  'address-space': ['process'],
  'data-pages': ['process'],
  memlock: ['process'],
  'cpu-time': ['process'],
  stack: ['thread'],
  memory: ['partition', 'system'],
  'memory-free': ['partition', 'system'],
  processes: ['system'],
  threads: ['partition', 'system'],
  cpu: ['partition', 'system'],
  'file-size': ['process'],
}

/** Counted by births and deaths, where those are told. */
const countedByLives: readonly LimitName[] = ['processes', 'threads', 'children']

/** The periods kept at the moment; they grow rather than take more CPU than budgeted. */
export interface Periods {
  fastMs: number
  fullMs: number
  /** Births and deaths are told as they happen; else they are found by scanning. */
  livesTold: boolean
}

export const linuxAbilities = (periods: Periods): Abilities => ({
  unavailable,
  capacities,
  period: (limit, level, armed) => {
    if (countedByLives.includes(limit)) return periods.livesTold ? null : durationText(periods.fullMs)
    // A cgroup's own figures are read in full scans only.
    const ofCgroup = level === 'partition' && (limit === 'memory' || limit === 'memory-free')
    return durationText(armed && !ofCgroup ? periods.fastMs : periods.fullMs)
  },
})

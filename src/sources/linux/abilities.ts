/** What the live source can measure, and where Linux sets a capacity. */

import { durationText } from '../../base/duration.ts'
import type { Refusal } from '../../kernel/actions.ts'
import type { Abilities } from '../../kernel/kernel.ts'
import type { LimitName } from '../../kernel/limits/table.ts'
import { linuxSignals } from './signals.ts'

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
  birthsReported: boolean
}

const noDenying: Refusal = {
  errno: 'ENOTSUP',
  reason:
    'a live kernel is observed, not called: nothing can be denied there; start with --source model to see it done',
}
const noActing: Refusal = {
  errno: 'EPERM',
  reason: 'nothing is done to processes unless the service is started with --allow-actions',
}
const why = 'a live kernel decides for itself what it refuses to a sender'
const signals = linuxSignals.map((signal) => ({ ...signal, refusable: false, why }))

export function linuxAbilities(periods: Periods, { allowActions = false } = {}): Abilities {
  return {
    actions: { signals, noDenying, noActing: allowActions ? null : noActing },
    unavailable,
    capacities,
    period: (limit, level, armed) => {
      if (countedByLives.includes(limit)) return periods.birthsReported ? null : durationText(periods.fullMs)
      // A cgroup's own figures are read in full scans only.
      const ofCgroup = level === 'partition' && (limit === 'memory' || limit === 'memory-free')
      return durationText(armed && !ofCgroup ? periods.fastMs : periods.fullMs)
    },
  }
}

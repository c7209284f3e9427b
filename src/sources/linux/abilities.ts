/** What the live source can measure, and where Linux sets a capacity. */

import { durationText } from '../../base/duration.ts'
import type { Refusal } from '../../kernel/actions.ts'
import type { Abilities } from '../../kernel/kernel.ts'
import { limits } from '../../kernel/limits/table.ts'
import { capacityLevels, feedAt, linuxReading } from './linux-limits.ts'
import { linuxSignals } from './signals.ts'

const unavailable = Object.fromEntries(
  limits.flatMap(({ name, linux }) => ('unavailable' in linux ? [[name, linux.unavailable]] : [])),
)

const capacities = Object.fromEntries(limits.map(({ name }) => [name, capacityLevels(name)]))

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
      if (linuxReading(limit)?.from === 'births') return periods.birthsReported ? null : durationText(periods.fullMs)
      // The files of a cgroup are read in full scans only.
      const isFast = armed && feedAt(limit, level) !== 'cgroup'
      return durationText(isFast ? periods.fastMs : periods.fullMs)
    },
  }
}

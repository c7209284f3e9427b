/** Lists the limits that the live source can measure, and the levels at which Linux sets their capacity. */

import { durationText } from '../../base/duration.ts'
import type { Refusal } from '../../kernel/actions.ts'
import type { Abilities } from '../../kernel/kernel.ts'
import type { LinuxFeed } from '../../kernel/limits/linux-reading.ts'
import { limits } from '../../kernel/limits/table.ts'
import { capacityLevels, feedAt, isOnDemand, linuxReading } from './linux-limits.ts'
import { linuxSignals } from './signals.ts'

const unavailable = Object.fromEntries(
  limits.flatMap(({ name, linux }) => ('unavailable' in linux ? [[name, linux.unavailable]] : [])),
)

const capacities = Object.fromEntries(limits.map(({ name }) => [name, capacityLevels(name)]))

const onDemand = Object.fromEntries(limits.map(({ name, at }) => [name, at.filter((level) => isOnDemand(name, level))]))

/** These are read in full scans only. */
const slowFeeds: readonly (LinuxFeed | null)[] = ['cgroup', 'pressure', 'restarts', 'swap', 'vmstat', 'zombies']

/** The present scan periods. A period grows when scanning takes more CPU than budgeted. */
export interface Periods {
  fastMs: number
  fullMs: number
  /** The proc connector reports births and deaths as they happen. If false, scanning finds them. */
  birthsReported: boolean
}

// TASK_COMM_LEN without the NUL.
const nameBytesMax = 15

const noDenying: Refusal = {
  errno: 'ENOTSUP',
  reason:
    'a live kernel is observed, not called, so nothing can be denied there; the model supports this: start with --source model',
}
const noActing: Refusal = {
  errno: 'EPERM',
  reason: 'actions on processes are disabled: start the service with --allow-actions to enable them',
}
const why = 'a live kernel itself decides which signals it refuses'
const signals = linuxSignals.map((signal) => ({ ...signal, refusable: false, why }))

const foreign: Refusal = {
  errno: 'EPERM',
  reason:
    '/proc is that of another pid namespace: an id there is another process here. Start the service in the namespace of its /proc',
}

export interface LinuxAbilityOptions {
  readonly allowActions?: boolean
  /** Ids in /proc are those that system calls take. */
  readonly ownNamespace?: boolean
  readonly showCmdlines?: boolean
  /** The reason why owners of locks are not read. */
  readonly noOwners?: string | null
}

export function linuxAbilities(periods: Periods, options: LinuxAbilityOptions = {}): Abilities {
  const { allowActions = false, ownNamespace = true, showCmdlines = false, noOwners = null } = options
  return {
    actions: { signals, noDenying, noActing: !allowActions ? noActing : ownNamespace ? null : foreign },
    unavailable,
    noOwners,
    capacities,
    onDemand,
    executables: { nameBytesMax },
    cmdlines: { shown: showCmdlines },
    period: (limit, level, armed) => {
      if (linuxReading(limit)?.from === 'births') return periods.birthsReported ? null : durationText(periods.fullMs)
      // A sum has the feed of its parts.
      const feed = feedAt(limit, level) ?? linuxReading(limit)?.from ?? null
      const isFast = armed && !slowFeeds.includes(feed)
      return durationText(isFast ? periods.fastMs : periods.fullMs)
    },
  }
}

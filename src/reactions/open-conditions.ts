/** Lists the conditions that hold at present, by the keys of their alerts. */

import { deadlockPath } from '../kernel/deadlock/deadlock.ts'
import type { Condition } from '../kernel/events/row.ts'
import type { Kernel } from '../kernel/kernel.ts'

/** @param degraded Names of everything that is degraded. */
export function openConditions(kernel: Kernel, degraded: readonly string[]): ReadonlySet<string> {
  const { notifier, deadlocks, timers } = kernel
  const watches = [...notifier.thresholds()].flatMap(({ path, limit, watches: all }) =>
    [...all.values()].map(({ state, isLost, node }) => ({ state, isLost, place: `${node.path}/${limit}`, path })),
  )
  return new Set([
    ...watches
      .filter(({ state }) => state === 'tripped')
      .map(({ place, path }) => conditionKey('threshold', place, path)),
    ...watches.filter(({ isLost }) => isLost).map(({ place, path }) => conditionKey('unknown-threshold', place, path)),
    ...deadlocks.all().map((deadlock) => conditionKey('deadlock', deadlockPath(deadlock))),
    ...timers.warnings().map(({ thread, timeout }) => conditionKey('long-wait', thread.path, timeout)),
    ...degraded.map((what) => conditionKey('degradation', kernel.system.path, what)),
  ])
}

/** Identifies a condition from its begin to its end. `part` distinguishes those about one object. */
export function conditionKey(condition: Condition, subject: string, part = ''): string {
  return `${condition} ${subject}${part === '' ? '' : ` ${part}`}`
}

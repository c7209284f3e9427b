/** What the fast period has to read, from the thresholds there are. */

import { processOf } from '../../kernel/limits/crossing.ts'
import type { Notifier } from '../../kernel/limits/notifier.ts'
import { levels } from '../../kernel/limits/table.ts'
import type { Threshold } from '../../kernel/limits/threshold.ts'
import { processesWithin } from '../../kernel/objects/within.ts'
import { type ScanCommand, type ScannedLimit, scannedIndex } from './protocol.ts'

export interface ArmedPlan {
  readonly command: Extract<ScanCommand, { type: 'plan' }>
  /** A partition is watched: births in it change the plan. */
  readonly followsPartitions: boolean
}

export function armedPlan(notifier: Notifier): ArmedPlan {
  const masks = new Map<number, number>()
  let everyMask = 0
  let system = false
  let followsPartitions = false
  for (const threshold of notifier.thresholds()) {
    const { node } = threshold
    if (!notifier.switches.isOn(threshold.index)) continue
    if (threshold.limit === 'memory-free' || threshold.limit === 'memory') system ||= node.level === 'system'
    const mask = maskOf(threshold)
    if (mask === 0) continue
    if (node.level === 'system') everyMask |= mask
    else if (node.level === 'partition') {
      followsPartitions = true
      for (const { pid } of processesWithin(node)) masks.set(pid, (masks.get(pid) ?? 0) | mask)
    } else {
      const { pid } = processOf(node)!
      masks.set(pid, (masks.get(pid) ?? 0) | mask)
    }
  }
  for (const [pid, mask] of masks) masks.set(pid, mask | everyMask)
  return { command: { type: 'plan', everyMask, system, masks }, followsPartitions }
}

/** Above the processes, memory is the kernel's own reading: no process need be read for it. */
function maskOf({ limit, node, definition }: Threshold): number {
  if (!Object.hasOwn(scannedIndex, limit)) return 0
  const watched = definition.per ?? node.level
  if (limit === 'memory' && levels.indexOf(watched) > levels.indexOf('process')) return 0
  return 1 << scannedIndex[limit as ScannedLimit]
}

/** Computes the plan of the fast scan from the thresholds and the default timers that are set. */

import type { Kernel } from '../../../kernel/kernel.ts'
import type { Threshold } from '../../../kernel/limits/thresholds/threshold.ts'
import type { Node } from '../../../kernel/nodes/node.ts'
import { processOf } from '../../../kernel/nodes/owners.ts'
import { processesWithin } from '../../../kernel/nodes/within.ts'
import { feedAt, linuxReading, type ScannedLimit, scannedLimits } from '../linux-limits.ts'
import { locksBit, type ScanCommand } from '../protocol.ts'
import { ranMask } from '../scan/scan-plan.ts'

export interface ArmedPlan {
  readonly command: Extract<ScanCommand, { type: 'plan' }>
  /** A partition has a threshold, so births in it change the plan. */
  readonly followsPartitions: boolean
  /** Names what makes the fast scan necessary; null if nothing does. */
  readonly armedBy: string | null
}

export function armedPlan({ notifier, timers }: Pick<Kernel, 'notifier' | 'timers'>): ArmedPlan {
  const masks = new Map<number, number>()
  let everyMask = 0
  let system = false
  let followsPartitions = false
  const arming: string[] = []
  const arm = (node: Node, mask: number): void => {
    if (mask === 0) return
    if (node.level === 'system') everyMask |= mask
    else if (node.level === 'partition') {
      followsPartitions = true
      for (const { pid } of processesWithin(node)) masks.set(pid, (masks.get(pid) ?? 0) | mask)
    } else {
      const { pid } = processOf(node)!
      masks.set(pid, (masks.get(pid) ?? 0) | mask)
    }
  }
  for (const threshold of notifier.thresholds()) {
    const { node, limit, index } = threshold
    if (!notifier.switches.isOn(index)) continue
    const isSystem = node.level === 'system' && feedAt(limit, 'system') === 'meminfo'
    if (isSystem) system = true
    const mask = maskOf(threshold)
    if (isSystem || mask !== 0) arming.push(threshold.path)
    arm(node, mask)
  }
  // The duration of waits is seen only if the fast scan reads what threads wait for.
  for (const { node, definition } of timers.timeouts()) {
    if (definition.states.length === 0) continue
    arming.push(`the timeout of ${node.path}`)
    arm(node, locksBit)
  }
  for (const [pid, mask] of masks) masks.set(pid, mask | everyMask | locksBit)
  // With a threshold on every process, waits are read only if the plan reads threads anyway.
  if ((everyMask & ranMask) !== 0) everyMask |= locksBit
  const isArmed = everyMask !== 0 || system || masks.size > 0
  const armedBy = isArmed ? summaryOf(arming) : null
  return { command: { type: 'plan', everyMask, system, masks }, followsPartitions, armedBy }
}

function summaryOf([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} and ${others.length} more`
}

/** A level with a reading of its own needs no reading of processes. */
function maskOf({ limit, node, definition }: Threshold): number {
  const watched = definition.per ?? node.level
  const index = scannedLimits.indexOf(limit as ScannedLimit)
  const ownFeed = linuxReading(limit)?.above?.[watched]
  return index < 0 || ownFeed !== undefined ? 0 : 1 << index
}

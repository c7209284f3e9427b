/** Checks the definition of a threshold: its fields, and whether it fits the node. */

import { KernelError } from '../../errno.ts'
import type { Node } from '../../nodes/node.ts'
import { parseDuration } from '../../time/duration.ts'
import { type Level, type LimitRow, levels } from '../limit-row.ts'
import type { LimitUnit } from '../units.ts'
import { isPercentage, type Point, percentage, type ThresholdDefinition } from './threshold.ts'

/** @throws KernelError EINVAL with the field, if a definition contradicts itself or does not fit the node. */
export function checkDefinition(
  definition: ThresholdDefinition,
  limit: LimitRow,
  node: Pick<Node, 'level' | 'path'>,
): void {
  const { at, rearm, direction } = definition
  checkKind(definition)
  for (const field of ['for', 'every', 'ttl'] as const) checkDuration(definition[field], field)
  if (at !== null && rearm !== null) checkRearm({ at, rearm, direction })
  checkPer(definition, limit, node)
  checkWhere(definition)
}

function invalid(field: string, what: string): KernelError {
  return new KernelError('EINVAL', what, { field })
}

/** Each field has its meaning with one of the two kinds. */
function checkKind(definition: ThresholdDefinition): void {
  const { on, at, direction, delta } = definition
  if (on === 'cross') {
    if (at === null)
      throw invalid(
        'at',
        '"at" is missing: the trip point, a number in the limit’s unit or a percentage; for any change "on": "change"',
      )
    for (const field of ['delta', 'every'] as const)
      if (definition[field] !== null) throw invalid(field, `"${field}" belongs to "on": "change"`)
    return
  }
  for (const field of ['at', 'rearm', 'for'] as const)
    if (definition[field] !== null) throw invalid(field, `"${field}" belongs to "on": "cross"; any change has no point`)
  if (direction !== 'rising') throw invalid('direction', 'a change has no direction: leave "direction" out')
  if (delta !== null && !(Number.isSafeInteger(delta) && delta >= 1))
    throw invalid('delta', '"delta" is a whole number of at least 1')
}

/** Longer durations are past the range of any clock. */
const durationMsMax = 1000 * 365 * 24 * 3_600_000

function checkDuration(duration: string | null, field: string): void {
  if (duration === null) return
  const ms = parseDuration(duration)
  if (ms === null || ms < 1 || ms > durationMsMax)
    throw invalid(
      field,
      `"${field}" is a duration of at least 1ms and at most 1000 years, such as "500ms", "30s" or "1h"`,
    )
}

function checkWhere({ per, where }: ThresholdDefinition): void {
  if (where === null) return
  if (per === null) throw invalid('where', '"where" chooses among many: it goes with "per"')
  if (
    per === 'partition' &&
    (where.name !== null || where.exe !== undefined || where.cmdline !== undefined || where.uid !== null)
  )
    throw invalid(
      'where',
      'partitions have no name, executable or user to choose by; with "per": "partition" there is "partition"',
    )
  if (where.partition !== null && !/^(\/sys)(\/part\/[^/]+)+$/.test(where.partition))
    throw invalid('where/partition', 'the pathname of a partition, as in /sys/part/web')
}

function checkPer({ per }: ThresholdDefinition, limit: LimitRow, node: Pick<Node, 'level' | 'path'>): void {
  if (per === null) return
  const levelsOfLimit = limit.at as readonly Level[]
  if (!levelsOfLimit.includes(per)) {
    const among = levelsOfLimit.join(', ')
    throw new KernelError('EINVAL', `${limit.name} is counted at these levels: ${among}; not per ${per}`, {
      field: 'per',
    })
  }
  // Partitions nest, so below a partition there are partitions.
  const below = levels.indexOf(per) < levels.indexOf(node.level) || (per === 'partition' && node.level === 'partition')
  if (!below) {
    throw new KernelError('EINVAL', `no ${per} lies strictly below ${node.path}; leave "per" out to watch this node`, {
      field: 'per',
    })
  }
}

function checkRearm({ at, rearm, direction }: { at: Point; rearm: Point; direction: 'rising' | 'falling' }): void {
  if (isPercentage(at) !== isPercentage(rearm)) {
    throw new KernelError('EINVAL', '"rearm" and "at" must both be numbers or both percentages', { field: 'rearm' })
  }
  const [high, low] = direction === 'rising' ? [at, rearm] : [rearm, at]
  const number = (point: Point) => (isPercentage(point) ? percentage(point) : point)
  if (number(low) >= number(high)) {
    const side = direction === 'rising' ? 'below' : 'above'
    throw new KernelError('EINVAL', `"rearm" must lie strictly ${side} "at" when ${direction}`, { field: 'rearm' })
  }
}

/**
 * @param why The reason why the limit can never be measured there; null if it can.
 * @throws KernelError ENOTSUP
 */
export function checkMeasurable({ name }: LimitRow, why: string | null): void {
  if (why !== null) throw new KernelError('ENOTSUP', `${name} cannot be measured here: ${why}`)
}

/** @throws KernelError ENOTSUP if a percentage has no finite capacity that it refers to. */
export function checkCapacity(
  { at, per }: ThresholdDefinition,
  { name, unit }: LimitRow,
  { node, capacity }: { node: Pick<Node, 'path'>; capacity: number },
): void {
  const isBoundless = per === null && at !== null && isPercentage(at) && capacity === Number.POSITIVE_INFINITY
  if (isBoundless)
    throw new KernelError(
      'ENOTSUP',
      `${node.path}/${name} has no finite capacity to take a percentage of; give a number${shareOfCpu(unit, at)}`,
    )
}

/** People who write 90% for CPU often mean 90 percent of one CPU. */
function shareOfCpu(unit: LimitUnit, at: `${number}%`): string {
  return unit === 'permille' ? `, or ${Number(at.slice(0, -1)) / 100}cpu for ${at} of one CPU` : ''
}

/** Builds the data of a threshold's event. It names the largest users, so that a controller needs no second request. */

import { assert } from '../../errno.ts'
import type { EventData } from '../../events.ts'
import type { Node } from '../../nodes/node.ts'
import { processOf } from '../../nodes/owners.ts'
import { Process } from '../../nodes/process.ts'
import { Thread } from '../../nodes/thread.ts'
import { processesWithin } from '../../nodes/within.ts'
import type { LimitRow } from '../limit-row.ts'
import type { Reading, Readings } from '../readings.ts'
import { limits } from '../table.ts'
import { pointValue, type Threshold, type ThresholdWatch } from './threshold.ts'

/** Subject: the leaf that tripped. About: the threshold, and the process's partition. */
export function crossingPlaces({ threshold, node }: ThresholdWatch): { subject: string; about: string[] } {
  const partition = processOf(node)?.partition
  return {
    subject: `${node.path}/${threshold.limit}`,
    about: partition ? [threshold.path, partition.path] : [threshold.path],
  }
}

interface Surroundings<Points> {
  readonly usage: Readings
  readonly period: string | null
  readonly selfPid: number | null
  /** Trip and rearm points. A threshold on any change has none. */
  readonly points: Points
}

export function crossingData<Points extends Partial<CrossingPoints>>(
  { threshold, node }: ThresholdWatch,
  now: Reading,
  { usage, period, selfPid, points }: Surroundings<Points>,
) {
  const { note } = threshold.definition
  const process = processOf(node)
  return {
    threshold: threshold.path,
    limit: threshold.limit,
    value: now.value,
    ...points,
    capacity: now.capacity,
    peak: now.peak,
    ...(now.unreadable > 0 && { unreadable: now.unreadable }),
    ...(now.estimated > 0 && { estimate: 'touched' as const }),
    ...(process && { identity: process.identity, name: process.name }),
    ...(process && process.pid === selfPid && { self: true as const }),
    period,
    top: topChildren(usage, node, threshold.index, selfPid),
    note,
  }
}

type CrossingPoints = Pick<EventData['threshold.tripped'], 'at' | 'rearm' | 'direction' | 'for'>

/** Preconditions: the threshold has a trip point. */
export function pointsOf({ definition }: Threshold, capacity: number): CrossingPoints {
  const { at, rearm, direction } = definition
  assert(at !== null, 'a threshold that is crossed has a trip point')
  const number = (point: number) => (Number.isFinite(point) ? point : null)
  return {
    at: number(pointValue(at, capacity, direction)),
    rearm: rearm === null ? null : number(pointValue(rearm, capacity, direction)),
    direction,
    ...(definition.for !== null && { for: definition.for }),
  }
}

const topMax = 3

/** The three parts of a sum that use most: threads of a process, processes of a partition or the system. */
function topChildren(usage: Readings, node: Node, index: number, selfPid: number | null) {
  const row: LimitRow = limits[index]!
  if (node.level === row.home) return []
  const level = node instanceof Process ? 'thread' : 'process'
  // Nothing of `processes` is in a process.
  if (!row.at.includes(level)) return []
  const parts: Iterable<Node> = node instanceof Process ? node.threads.values() : processesWithin(node)
  const top: { part: Node; value: number }[] = []
  for (const part of parts) {
    const { value } = usage.reading(part, index, false)
    if (value === null) continue
    const place = top.findIndex((other) => value > other.value)
    top.splice(place === -1 ? top.length : place, 0, { part, value })
    if (top.length > topMax) top.pop()
  }
  return top.map(({ part, value }) => ({ path: part.path, ...nameOf(part, selfPid), value }))
}

function nameOf(part: Node, selfPid: number | null) {
  if (part instanceof Thread) return { tid: part.tid, name: part.name }
  if (!(part instanceof Process)) return {}
  return {
    pid: part.pid,
    name: part.name,
    identity: part.identity,
    ...(part.pid === selfPid && { self: true as const }),
  }
}

/** Converts nodes, limits and thresholds of the kernel into replies. */

import type { Kernel } from '../kernel/kernel.ts'
import type { LimitRow } from '../kernel/limits/limit-row.ts'
import { type LimitName, limits } from '../kernel/limits/table.ts'
import { isPercentage, type Threshold } from '../kernel/limits/thresholds/threshold.ts'
import type { Node } from '../kernel/nodes/node.ts'
import { isAbsent, type Partition } from '../kernel/nodes/partition.ts'
import type { Process } from '../kernel/nodes/process.ts'
import type { Thread } from '../kernel/nodes/thread.ts'
import { threadsWithin } from '../kernel/nodes/within.ts'
import { endsWith } from './end-advice.ts'
import type { ThresholdView } from './threshold-views.ts'
import type { LimitView, PartitionView, ProcessView, ThreadView } from './views.ts'

export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

export function showUsage(kernel: Kernel, node: Node): Partial<Record<LimitName, number>> {
  const usage: Partial<Record<LimitName, number>> = {}
  for (const [index, row] of limits.entries()) {
    if (!isAt(row, node) || kernel.unmeasurable(row, node.level) !== null) continue
    const { value } = kernel.notifier.read(node, index)
    if (value !== null) usage[row.name] = value
  }
  return usage
}

function isAt(row: LimitRow, node: Node): boolean {
  return row.at.includes(node.level)
}

/** Reasons why limits could not be read: that of the node, or if no part of a sum is readable, that of one part. */
function showUnavailable(kernel: Kernel, node: Node): { unavailable?: Partial<Record<LimitName, string>> } {
  const reasons = limits.flatMap((row, index): [LimitName, string][] => {
    if (!isAt(row, node)) return []
    const { value, unreadable } = kernel.notifier.read(node, index)
    if (value !== null || unreadable === 0) return []
    return [[row.name, whyUnreadable(kernel, node, index) ?? `${unreadable} parts cannot be read`]]
  })
  return reasons.length === 0 ? {} : { unavailable: Object.fromEntries(reasons) }
}

function whyUnreadable({ usage }: Kernel, node: Node, index: number): string | null {
  const own = usage.whyUnreadable(node, index)
  if (own !== null) return own
  if (node.level !== 'process') return null
  for (const thread of threadsWithin(node)) {
    const reason = usage.whyUnreadable(thread, index)
    if (reason !== null) return reason
  }
  return null
}

export function showPartition(kernel: Kernel, partition: Partition): PartitionView {
  return {
    path: partition.path,
    name: partition.name,
    partitions: partition.partitions.size,
    usage: showUsage(kernel, partition),
    ...showUnavailable(kernel, partition),
  }
}

export function showProcess(kernel: Kernel, process: Process): ProcessView {
  const state: ProcessView['state'] = {}
  for (const { condition } of process.threads.values()) {
    const key = condition.state ?? 'unknown'
    state[key] = (state[key] ?? 0) + 1
  }
  return {
    path: process.path,
    pid: process.pid,
    identity: process.identity,
    started: timeText(process.started),
    name: process.name,
    executable: process.executable,
    parent: process.parentProcess?.pid ?? null,
    uid: process.uid,
    partition: process.partition?.path ?? null,
    ...(process.pid === kernel.selfPid && { self: true }),
    ...(process.kernelThread && { kernelThread: true }),
    state,
    usage: showUsage(kernel, process),
    ...showUnavailable(kernel, process),
  }
}

export function showThread(kernel: Kernel, thread: Thread): ThreadView {
  const { state, certain, why, since } = thread.condition
  const on = thread.waitsOn
  return {
    path: thread.path,
    pid: thread.parent.pid,
    tid: thread.tid,
    name: thread.name,
    state,
    ...(!certain && { certain: false }),
    ...(why !== null && { why }),
    since: timeText(since),
    ...(on !== null && { on: { ...on } }),
    priority: thread.priority,
    usage: showUsage(kernel, thread),
    ...showUnavailable(kernel, thread),
  }
}

export function showLimit(kernel: Kernel, node: Node, index: number): LimitView {
  const row: LimitRow = limits[index]!
  const name = limits[index]!.name
  const unmeasurable = kernel.unmeasurable(row, node.level)
  const now = kernel.notifier.read(node, index)
  const value = unmeasurable === null ? now.value : null
  const why =
    unmeasurable ?? (value === null ? (whyUnreadable(kernel, node, index) ?? whyNotRead(kernel, node, name)) : null)
  const path = `${node.path}/${name}`
  const thresholds = kernel.notifier.thresholdsAt(node, index)
  return {
    path,
    limit: name,
    unit: row.unit,
    value,
    peak: unmeasurable === null ? now.peak : null,
    capacity: now.capacity,
    ...origin(kernel, node, index),
    asOf: value === null ? null : timeText(now.at ?? kernel.now),
    period: kernel.period(name, node.level),
    ...bounds(now),
    ...(why !== null && { unavailable: why }),
    thresholds: thresholds.map((threshold) => ({
      path: threshold.path,
      at: threshold.definition.at,
      state: thresholdStateOf(kernel, threshold),
    })),
  }
}

function whyNotRead(kernel: Kernel, node: Node, limit: LimitName): string {
  return kernel.isOnDemand(limit, node.level) ? 'read on demand; the first value comes after a second' : 'not read yet'
}

/** The maximum that decides the capacity, the part of the value that can be reclaimed, and its granularity. */
function origin({ usage }: Kernel, node: Node, index: number) {
  const { annotations } = usage
  const capacitySource = annotations.capacitySource.get(node, index)
  const reclaimable = annotations.reclaimable.get(node, index)
  const granularity = annotations.granularity.get(node, index)
  return {
    ...(capacitySource !== null && { capacitySource }),
    ...(reclaimable !== null && { reclaimable }),
    ...(granularity !== null && { granularity }),
  }
}

function bounds({ unreadable, estimated }: { unreadable: number; estimated: number }) {
  return {
    ...(unreadable > 0 && { unreadable }),
    ...(estimated > 0 && { estimate: 'touched' as const }),
  }
}

/**
 * The state of a threshold over all its nodes: tripped if any node is, unknown if no node can be read, and disabled if
 * the notifier or the limit in it is switched off. It is waiting if its partition is not there.
 */
export function thresholdStateOf({ notifier }: Kernel, threshold: Threshold): ThresholdView['state'] {
  if (!notifier.switches.isOn(threshold.index)) return 'disabled'
  if (isAbsent(threshold.node)) return 'waiting'
  // The signal of the threshold ended its node, and the threshold with it.
  if (threshold.definition.per === null && threshold.watches.size === 0) return 'unknown'
  const states = new Set([...threshold.watches.values()].map(({ state }) => state))
  if (states.has('tripped')) return 'tripped'
  return states.has('unknown') && !states.has('armed') ? 'unknown' : 'armed'
}

/**
 * Whether the state of a threshold on a process or thread is unknown only because the node is so new that it was not
 * read yet.
 */
export function awaitsReading(kernel: Kernel, { node, index, limit }: Threshold): boolean {
  const isOfProcess = node.level === 'process' || node.level === 'thread'
  if (
    !isOfProcess ||
    node.slot < 0 ||
    kernel.isOnDemand(limit, node.level) ||
    kernel.period(limit, node.level) === null
  )
    return false
  const { value, unreadable } = kernel.notifier.read(node, index)
  return value === null && unreadable === 0 && whyUnreadable(kernel, node, index) === null
}

export function byPath(one: { path: string }, other: { path: string }): number {
  return one.path < other.path ? -1 : 1
}

export function showThreshold(kernel: Kernel, threshold: Threshold): ThresholdView {
  const { path, owner, node, index } = threshold
  const { per } = threshold.definition
  const definition = {
    path,
    ...threshold.definition,
    owner,
    ...endOf(node),
    ...expiryOf(threshold),
    state: thresholdStateOf(kernel, threshold),
  }
  if (per !== null) return { ...definition, ...showSpread(kernel, threshold) }
  const now = kernel.notifier.read(node, index)
  return { ...definition, value: now.value, capacity: now.capacity, ...bounds(now) }
}

function endOf(node: Node) {
  const level = endsWith(node)
  return level === null ? {} : { endsWith: level }
}

/** The time of removal, for a threshold that is set and has a `ttl`. */
function expiryOf({ timer }: Threshold) {
  return timer?.isArmed ? { expires: timeText(timer.at) } : {}
}

function showSpread({ usage }: Kernel, { limit, index, definition, watches }: Threshold) {
  const all = [...watches.values()]
  const percentage = definition.at !== null && isPercentage(definition.at)
  const skipped = all.filter(({ node }) => percentage && usage.capacity(node, index) === Number.POSITIVE_INFINITY)
  return {
    nodes: all.length,
    tripped: all.filter(({ state }) => state === 'tripped').map(({ node }) => `${node.path}/${limit}`),
    unknown: all.filter(({ state }) => state === 'unknown').length,
    ...(percentage && { withoutCapacity: skipped.length }),
  }
}

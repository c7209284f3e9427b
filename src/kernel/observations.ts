/**
 * Facts seen elsewhere, recorded in the kernel state: the way in for sources that watch a real machine. Each is one
 * call inside a `kernel.update`. An observation of something that is not there (it ended meanwhile) is the caller's
 * to leave out: these functions take the objects themselves.
 */

import { assert } from './errno.ts'
import type { Kernel } from './kernel.ts'
import { type LimitName, type LimitRow, limitIndex, limits } from './limits/table.ts'
import type { ObservedValue } from './limits/usage.ts'
import { containers, type Node } from './nodes/node.ts'
import { processOf } from './nodes/owners.ts'
import { Partition } from './nodes/partition.ts'
import { Process, type ProcessBirth, type Rlimit } from './nodes/process.ts'
import type { System } from './nodes/system.ts'
import { Thread, type ThreadCondition } from './nodes/thread.ts'
import type { ThreadWait } from './nodes/wait.ts'

const threadsIndex = limitIndex.threads
const processesIndex = limitIndex.processes
const childrenIndex = limitIndex.children

/** `silent` is for what was there before we came: it is state, not news. */
interface Telling {
  readonly silent?: boolean
}

export function partitionAppeared(
  kernel: Kernel,
  names: readonly string[],
  { silent = false }: Telling = {},
): Partition | System {
  let at: Partition | System = kernel.system
  for (const name of names) {
    const known: Partition | undefined = at.partitions.get(name)
    if (known === undefined) {
      const partition: Partition = new Partition(name, at)
      at.partitions.set(name, partition)
      kernel.admit(partition)
      kernel.usage.charge(partition, processesIndex, 0)
      kernel.notifier.adopt(partition)
      if (!silent) kernel.emit('partition.created', { subject: partition.path, about: [], data: { name } })
      at = partition
    } else at = known
  }
  return at
}

/** Preconditions: no process and no partition is left in it. */
export function partitionEnded(kernel: Kernel, partition: Partition): void {
  assert(partition.members.size === 0 && partition.partitions.size === 0, 'a partition that ends is empty')
  kernel.notifier.removeNode(partition)
  kernel.timers.removeNode(partition)
  partition.parent.partitions.delete(partition.name)
  const { path: subject, name } = partition
  kernel.emit('partition.died', { subject, about: [], data: { name, peak: peaks(kernel, partition) } })
  kernel.usage.release(partition)
}

/** Preconditions: no process of that pid lives. */
export function processAppeared(kernel: Kernel, birth: ProcessBirth, telling: Telling = {}): Process {
  const process = new Process(birth)
  processEntered(kernel, process, telling)
  return process
}

/** Preconditions: no process of that pid lives; what it uses is yet to be charged. */
export function processEntered(kernel: Kernel, process: Process, { silent = false }: Telling = {}): void {
  assert(!kernel.processes.has(process.pid), 'a process that appears is new')
  kernel.processes.set(process.pid, process)
  kernel.admit(process)
  process.container.members.add(process)
  kernel.usage.populated(process.container)
  for (const index of [threadsIndex, childrenIndex]) kernel.usage.charge(process, index, 0)
  kernel.usage.charge(process.container, processesIndex, 1)
  linkParent(kernel, process)
  kernel.notifier.adopt(process)
  if (silent) return
  const { pid, identity, name, uid, executable } = process
  const started = new Date(process.started).toISOString()
  const partition = process.partition?.path ?? null
  const parent = process.parentProcess?.pid ?? null
  const data = { pid, identity, started, name, parent, executable, uid, partition, ...selfMark(kernel, process) }
  kernel.emit('process.created', { ...placesOf(process), data })
}

export interface Ending {
  /** Exit code; null when a signal ended it, or not known. */
  readonly code: number | null
  readonly signal: string | null
}

/** The last thread ended. Clears come first, then the threads' ends, then the process's own. */
export function processEnded(kernel: Kernel, process: Process, { code, signal }: Ending): void {
  // What happened before it ended is told before its end.
  kernel.settle()
  const peak = peaks(kernel, process)
  for (const thread of [...process.threads.values()]) threadEnded(kernel, thread)
  kernel.notifier.removeNode(process)
  kernel.timers.removeNode(process)
  kernel.usage.leave(process)
  kernel.usage.charge(process.container, processesIndex, -1)
  unlinkParent(kernel, process)
  // Who inherits them is for the source to tell.
  for (const child of process.children) {
    child.parentProcess = null
    child.revision++
  }
  kernel.deadlocks.processEnded(process)
  kernel.processes.delete(process.pid)
  kernel.closedSets.delete(process)
  process.container.members.delete(process)
  kernel.usage.populated(process.container)
  const { pid, identity, name } = process
  kernel.emit('process.died', { ...placesOf(process), data: { pid, identity, name, code, signal, peak } })
  kernel.usage.release(process)
}

export function threadAppeared(
  kernel: Kernel,
  process: Process,
  birth: { tid: number; name: string; since: number },
  telling: Telling = {},
): Thread {
  const thread = new Thread(process, birth)
  threadEntered(kernel, thread, telling)
  return thread
}

/** Preconditions: as for a process. */
export function threadEntered(kernel: Kernel, thread: Thread, { silent = false }: Telling = {}): void {
  const process = thread.parent
  assert(!process.threads.has(thread.tid), 'a thread that appears is new')
  process.threads.set(thread.tid, thread)
  kernel.admit(thread)
  kernel.usage.charge(process, threadsIndex, 1)
  kernel.deadlocks.entered(thread)
  kernel.usage.populated(process)
  kernel.notifier.adopt(thread)
  if (!silent) kernel.emit('thread.created', threadContent(thread))
}

export function threadEnded(kernel: Kernel, thread: Thread): void {
  threadDied(kernel, thread)
  threadLeft(kernel, thread)
}

/** It has ended, and is still there until somebody joins it. */
export function threadDied(kernel: Kernel, thread: Thread): void {
  kernel.timers.ended(thread)
  kernel.notifier.removeNode(thread)
  kernel.deadlocks.ended(thread)
  kernel.emit('thread.died', threadContent(thread))
}

/** Preconditions: its end was told. */
export function threadLeft(kernel: Kernel, thread: Thread): void {
  const process = thread.parent
  endWaits(kernel, thread)
  // A threshold may have been set on it since it ended: until it is joined it is there.
  kernel.notifier.removeNode(thread)
  kernel.usage.leave(thread)
  kernel.usage.charge(process, threadsIndex, -1)
  process.threads.delete(thread.tid)
  kernel.usage.populated(process)
  kernel.usage.release(thread)
}

/** It waits no more, and nobody waits for it: whether what it owned is left locked is for the source to tell. */
function endWaits(kernel: Kernel, ended: Thread): void {
  if (kernel.waits.size === 0) return
  for (const [thread, { releaser }] of kernel.waits) {
    if (thread !== ended && releaser !== ended) continue
    kernel.waits.delete(thread)
    noteWait(kernel, thread, null)
  }
}

/** What of a process can change while it lives. */
export interface ProcessChange {
  readonly name?: string
  readonly executable?: string | null
  readonly uid?: number
}

/** `what` is null for facts that were merely learned later: no news. */
export function processChanged(
  kernel: Kernel,
  process: Process,
  what: 'exec' | 'name' | 'uid' | null,
  change: ProcessChange,
): void {
  if (change.name !== undefined) process.name = change.name
  if (change.executable !== undefined) process.executable = change.executable
  if (change.uid !== undefined) process.uid = change.uid
  process.revision++
  kernel.notifier.reconsider(process)
  if (what !== null) tellChanged(kernel, process, what)
}

/** The process now belongs to another partition (or, given the system, to none). */
export function processMoved(kernel: Kernel, process: Process, container: Partition | System): void {
  const from = process.container
  if (from === container) return
  const kept = new Set([container, ...containers(container)]).intersection(new Set([from, ...containers(from)]))
  kernel.usage.unseenBy(kept, () => {
    kernel.usage.leave(process)
    from.members.delete(process)
    process.container = container
    process.revision++
    container.members.add(process)
    kernel.usage.enter(process)
    kernel.usage.charge(from, processesIndex, -1)
    kernel.usage.charge(container, processesIndex, 1)
  })
  for (const each of [from, container]) kernel.usage.populated(each)
  for (const node of [...process.threads.values(), process]) {
    kernel.notifier.filter(node)
    kernel.notifier.adopt(node, { moved: true })
  }
  kernel.timers.moved(process.threads.values())
  tellChanged(kernel, process, 'partition')
}

export function processReparented(kernel: Kernel, process: Process, parent: Process | null): void {
  if (process.parentProcess === parent) return
  unlinkParent(kernel, process)
  process.parentProcess = parent
  process.revision++
  linkParent(kernel, process)
}

export function threadChanged(
  kernel: Kernel,
  thread: Thread,
  change: { name?: string; priority?: number; condition?: ThreadCondition },
): void {
  if (change.name !== undefined) thread.name = change.name
  if (change.priority !== undefined) thread.priority = change.priority
  if (change.condition !== undefined) thread.condition = change.condition
  thread.revision++
  thread.parent.revision++
  if (change.condition !== undefined) kernel.timers.follow(thread)
}

/** One reading of a limit, in its unit. Fractions are cut off: what is counted is counted in whole units. */
export function observe(
  kernel: Kernel,
  node: Node,
  limit: LimitName,
  { value, at, estimate = false, lowerBound = false }: ObservedValue,
): void {
  const row: LimitRow = limits[limitIndex[limit]]!
  assert(row.at.includes(node.level), `${limit} is counted at the level of ${node.path}`)
  kernel.usage.observe(node, limitIndex[limit], { value: Math.trunc(value), at, estimate, lowerBound })
}

export function unreadable(kernel: Kernel, node: Node, limit: LimitName, reason: string): void {
  kernel.usage.lose(node, limitIndex[limit], reason)
}

/**
 * All waits that a source has found true at one moment, in place of those told before: what is not among them is not
 * known to wait for anybody. Preconditions: its threads live, and so do the releasers.
 */
export function waitsObserved(kernel: Kernel, waits: ReadonlyMap<Thread, ThreadWait>): void {
  for (const thread of kernel.waits.keys()) if (!waits.has(thread)) noteWait(kernel, thread, null)
  for (const [thread, wait] of waits) if (!sameWait(thread.observedWait, wait)) noteWait(kernel, thread, wait)
  kernel.waits = new Map(waits)
}

function sameWait(one: ThreadWait | null, other: ThreadWait): boolean {
  return (
    one?.state === other.state &&
    one.object === other.object &&
    one.releaser === other.releaser &&
    one.owner === other.owner &&
    one.evidence === other.evidence
  )
}

function noteWait(kernel: Kernel, thread: Thread, wait: ThreadWait | null): void {
  thread.observedWait = wait
  if (wait === null) kernel.deadlocks.unblocked(thread, { what: 'changed' })
  else kernel.deadlocks.blocked(thread, 'observed')
  thread.revision++
  thread.parent.revision++
}

/**
 * All processes each of whose threads waits for ever on something inside the process, so that no thread of it can run
 * again, in place of those told before.
 */
export function closedSetsObserved(kernel: Kernel, processes: ReadonlySet<Process>): void {
  for (const process of kernel.closedSets) if (!processes.has(process)) kernel.deadlocks.closedSet(process, false)
  for (const process of processes) kernel.deadlocks.closedSet(process, true)
  kernel.closedSets = new Set(processes)
}

/** Infinity: no finite capacity. */
export function observeCapacity(kernel: Kernel, node: Node, limit: LimitName, capacity: number): void {
  kernel.usage.observeCapacity(node, limitIndex[limit], capacity)
}

export function rlimitsObserved(process: Process, rlimits: Readonly<Record<string, Rlimit>>): void {
  process.rlimits = rlimits
}

/** All readings of a process and its threads still hold: none of its threads has run since. */
export function confirmed(process: Process, at: number): void {
  process.confirmedAt = at
}

function linkParent(kernel: Kernel, process: Process): void {
  const parent = process.parentProcess
  if (parent === null) return
  parent.children.add(process)
  kernel.usage.charge(parent, childrenIndex, 1)
}

function unlinkParent(kernel: Kernel, process: Process): void {
  if (!process.parentProcess?.children.delete(process)) return
  kernel.usage.charge(process.parentProcess, childrenIndex, -1)
}

function tellChanged(kernel: Kernel, process: Process, what: 'exec' | 'name' | 'uid' | 'partition'): void {
  const { pid, identity, name, executable, uid } = process
  const partition = process.partition?.path ?? null
  const data = { what, pid, identity, name, executable, uid, partition }
  kernel.emit('process.changed', { ...placesOf(process), data })
}

function threadContent({ path: subject, tid, name, parent }: Thread) {
  const data = { pid: parent.pid, tid, name, identity: parent.identity }
  return { subject, about: placesOf(parent).about, data }
}

function selfMark(kernel: Kernel, node: Node): { readonly self?: true } {
  return processOf(node)?.pid === kernel.selfPid ? { self: true } : {}
}

function placesOf({ path: subject, partition }: Process) {
  return { subject, about: partition ? [partition.path] : [] }
}

/** The highest that each limit has been known to be. */
function peaks({ usage }: Kernel, node: Process | Partition): Record<string, number> {
  return Object.fromEntries(
    limits.flatMap(({ name }, index) => {
      const peak = usage.peak(node, index)
      return peak === null ? [] : [[name, peak]]
    }),
  )
}

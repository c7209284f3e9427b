/**
 * Records births, changes and ends of partitions, processes and threads in the kernel state. A source that watches a
 * real machine calls these functions inside a `kernel.update`, one call for each fact. They take the objects
 * themselves: the caller leaves out facts about a process or thread that has ended meanwhile.
 */

import { assert } from './errno.ts'
import type { Kernel } from './kernel.ts'
import { limitIndex, limits } from './limits/table.ts'
import { containers, type Node } from './nodes/node.ts'
import { processOf } from './nodes/owners.ts'
import { Partition } from './nodes/partition.ts'
import { Process, type ProcessBirth } from './nodes/process.ts'
import type { System } from './nodes/system.ts'
import { Thread, type ThreadCondition } from './nodes/thread.ts'
import { endWaits } from './observed-waits.ts'

const threadsIndex = limitIndex.threads
const processesIndex = limitIndex.processes
const childrenIndex = limitIndex.children

interface Appearance {
  /** Emits no event: the node was there before the service started, or there are too many events about it. */
  readonly silent?: boolean
}

/** Finds the partition of these names, from the outermost in. Those that are missing are created. */
export function partitionAppeared(
  kernel: Kernel,
  names: readonly string[],
  { silent = false }: Appearance = {},
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
      kernel.notifier.partitionAppeared(partition)
      kernel.timers.partitionAppeared(partition)
      if (!silent) kernel.emit('partition.created', { subject: partition.path, about: [], data: { name } })
      at = partition
    } else at = known
  }
  return at
}

/** Preconditions: the partition contains no process and no partition. */
export function partitionEnded(kernel: Kernel, partition: Partition): void {
  assert(partition.members.size === 0 && partition.partitions.size === 0, 'a partition that ends is empty')
  kernel.notifier.removeNode(partition)
  kernel.timers.removeNode(partition)
  partition.parent.partitions.delete(partition.name)
  const { path: subject, name } = partition
  kernel.emit('partition.died', { subject, about: [], data: { name, peak: peaks(kernel, partition) } })
  kernel.usage.release(partition)
}

/** Preconditions: no process in the kernel has that pid. */
export function processAppeared(kernel: Kernel, birth: ProcessBirth, appearance: Appearance = {}): Process {
  const process = new Process(birth)
  processEntered(kernel, process, appearance)
  return process
}

/** Preconditions: no process in the kernel has that pid, and the usage of the new one is not charged yet. */
export function processEntered(kernel: Kernel, process: Process, { silent = false }: Appearance = {}): void {
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
  const marks = { ...selfMark(kernel, process), ...(process.kernelThread && { kernelThread: true as const }) }
  const data = { pid, identity, started, name, parent, executable, uid, partition, ...marks }
  kernel.emit('process.created', { ...placesOf(process), data })
}

export interface Ending {
  /** Exit code; null when a signal ended it, or not known. */
  readonly code: number | null
  readonly signal: string | null
  /** The kernel killed it because memory ran out. */
  readonly oom?: boolean
}

/**
 * The last thread ended. Events come in this order: changes before the end, ends of the threads, thresholds that are
 * cleared because the process died, the end of the process.
 */
export function processEnded(kernel: Kernel, process: Process, { code, signal, oom = false }: Ending): void {
  // Events of earlier changes come before the end of the process.
  kernel.settle()
  const peak = peaks(kernel, process)
  for (const thread of [...process.threads.values()]) threadEnded(kernel, thread)
  kernel.notifier.removeNode(process)
  kernel.timers.removeNode(process)
  kernel.usage.leave(process)
  kernel.usage.charge(process.container, processesIndex, -1)
  unlinkParent(kernel, process)
  // The source reports the new parent in a later call.
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
  const data = { pid, identity, name, code, signal, ...(oom && { oom: true as const }), peak }
  kernel.emit('process.died', { ...placesOf(process), data })
  kernel.usage.release(process)
}

export function threadAppeared(
  kernel: Kernel,
  process: Process,
  birth: { tid: number; name: string; since: number },
  appearance: Appearance = {},
): Thread {
  const thread = new Thread(process, birth)
  threadEntered(kernel, thread, appearance)
  return thread
}

/** Preconditions: the process has no thread with that tid, and the usage of the new one is not charged yet. */
export function threadEntered(kernel: Kernel, thread: Thread, { silent = false }: Appearance = {}): void {
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

export function threadEnded(kernel: Kernel, thread: Thread, appearance: Appearance = {}): void {
  threadDied(kernel, thread, appearance)
  threadLeft(kernel, thread)
}

/** The thread has ended. It stays in its process until another thread joins it. */
export function threadDied(kernel: Kernel, thread: Thread, { silent = false }: Appearance = {}): void {
  kernel.timers.ended(thread)
  kernel.notifier.removeNode(thread)
  kernel.deadlocks.ended(thread)
  if (!silent) kernel.emit('thread.died', threadContent(thread))
}

/** The thread was joined and leaves its process. Preconditions: `threadDied` was called for it. */
export function threadLeft(kernel: Kernel, thread: Thread): void {
  const process = thread.parent
  endWaits(kernel, thread)
  // A threshold may have been set between the end of the thread and its joining.
  kernel.notifier.removeNode(thread)
  kernel.usage.leave(thread)
  kernel.usage.charge(process, threadsIndex, -1)
  process.threads.delete(thread.tid)
  kernel.usage.populated(process)
  kernel.usage.release(thread)
}

/** New values of the attributes that a running process can change. */
export interface ProcessChange {
  readonly name?: string
  readonly executable?: string | null
  readonly uid?: number
  readonly kernelThread?: boolean
  readonly cmdline?: string | null
}

/**
 * @param what Null for facts that the source only learned later: no event is emitted.
 * @param options `changes`: the number of changes since the last that was recorded, this one included
 */
export function processChanged(
  kernel: Kernel,
  process: Process,
  what: 'exec' | 'name' | 'uid' | null,
  change: ProcessChange,
  { changes = 1 }: { changes?: number } = {},
): void {
  if (change.name !== undefined) process.name = change.name
  if (change.executable !== undefined) process.executable = change.executable
  if (change.uid !== undefined) process.uid = change.uid
  if (change.kernelThread !== undefined) process.kernelThread = change.kernelThread
  if (change.cmdline !== undefined) process.cmdline = change.cmdline
  process.revision++
  kernel.notifier.reconsider(process)
  if (what !== null) emitChanged(kernel, process, what, changes)
}

/** The process now belongs to another partition (or, given the system, to none). */
export function processMoved(kernel: Kernel, process: Process, container: Partition | System): void {
  const from = process.container
  if (from === container) return
  const common = new Set([container, ...containers(container)]).intersection(new Set([from, ...containers(from)]))
  kernel.usage.unseenBy(common, () => {
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
    kernel.notifier.watches.filter(node)
    kernel.notifier.adopt(node, { moved: true })
  }
  kernel.timers.moved(process.threads.values())
  emitChanged(kernel, process, 'partition')
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

function emitChanged(kernel: Kernel, process: Process, what: 'exec' | 'name' | 'uid' | 'partition', changes = 1): void {
  const { pid, identity, name, executable, uid } = process
  const partition = process.partition?.path ?? null
  const data = { what, pid, identity, name, executable, uid, partition, ...(changes > 1 && { changes }) }
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

/** Highest known value of each limit. */
function peaks({ usage }: Kernel, node: Process | Partition): Record<string, number> {
  return Object.fromEntries(
    limits.flatMap(({ name }, index) => {
      const peak = usage.peak(node, index)
      return peak === null ? [] : [[name, peak]]
    }),
  )
}

/** Creates threads, once there is room for everything they need. */

import { KernelError } from '../../kernel/errno.ts'
import type { LimitName } from '../../kernel/limits/table.ts'
import type { Newborn } from '../../kernel/limits/thresholds/deny.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import { threadEntered } from '../../kernel/observations.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import { ModelThread } from '../objects/model-thread.ts'
import { noSignals, type SignalSet } from '../signals.ts'
import { charge, chargeMemory, needRoom } from './charging.ts'
import { defaultStackBytes, initialStackBytes, wholePages } from './pages.ts'
import { limitMainStack } from './rlimit-changes.ts'
import { stop } from './scheduling.ts'
import { announce } from './state-changes.ts'

const unlimited = Number.POSITIVE_INFINITY
/** Highest priority which a process without privilege may give, to a thread or to a pulse. */
const unprivilegedMax = 63
const defaultPriority = 10

export interface ThreadMaking {
  readonly name?: string
  readonly priority?: number
  readonly detached?: boolean
  /** Bytes. */
  readonly stackSize?: number
}

/**
 * @param mask that of the creating thread; a new thread has no queued signals of its own
 * @throws KernelError EAGAIN, ENOMEM or EPERM, as ThreadCreate does
 */
export function makeThread(
  machine: MachineCore,
  process: ModelProcess,
  making: ThreadMaking,
  mask: SignalSet = maskFromOutside(process),
): ModelThread {
  const { priority = defaultPriority, detached = false, stackSize = defaultStackBytes } = making
  checkPriority(process.uid, priority)
  const used = Math.min(initialStackBytes, stackSize)
  const isMain = process.threads.size === 0
  const newborn = [newThread(process, { stackSize, isMain })]
  const reserving: Newborn[] = [{ level: 'thread', process, capacity: unlimited }]
  needRoom(
    machine,
    { limit: 'threads', node: process, delta: 1 },
    { limit: 'stack-size', node: process, delta: stackSize, newborn: reserving },
    { limit: 'stack', node: process, delta: used, newborn },
    { limit: 'address-space', node: process, delta: stackSize },
    { limit: 'memory', node: process, delta: wholePages(used) },
  )
  const tid = process.ids.tid.take()
  const condition = machine.conditionOf('READY')
  const name = making.name ?? (isMain ? process.name : `thread-${tid}`)
  const thread = new ModelThread(process, { tid, name, priority, isMain, detached, condition })
  thread.mask = mask
  threadEntered(machine.kernel, thread)
  process.living++
  machine.pools.setCapacity(thread, 'stack', stackSize)
  charge(machine, thread, 'stack-size', stackSize)
  if (isMain) limitMainStack(machine, process)
  charge(machine, thread, 'stack', used)
  for (const limit of ['cpu-time', 'cpu', 'mutexes'] as const) charge(machine, thread, limit, 0)
  charge(machine, process, 'address-space', stackSize)
  chargeMemory(machine, process, wholePages(used))
  if (process.stopped) announce(machine, stop(machine, thread))
  return thread
}

/**
 * Checks that there is room for a process and its first thread, before either exists.
 * @throws KernelError EAGAIN, ENOMEM or EPERM, as spawn does
 */
export function needRoomForFirst(
  machine: MachineCore,
  planned: Pick<ModelProcess, 'name' | 'container' | 'rlimits' | 'uid'> & { parent: Node | null },
  { stackSize = defaultStackBytes, priority = defaultPriority }: ThreadMaking,
): void {
  const { container, rlimits, uid, parent } = planned
  checkPriority(uid, priority)
  const used = Math.min(initialStackBytes, stackSize)
  const thread = newThread(planned, { stackSize, isMain: true })
  const need = (limit: LimitName, delta: number, ...newborn: Newborn[]) => ({ limit, node: container, delta, newborn })
  const process = (capacity: number): Newborn => ({ level: 'process', process: planned, capacity })
  needRoom(
    machine,
    ...(parent === null ? [] : [{ limit: 'children', node: parent, delta: 1 } as const]),
    need('processes', 1),
    need('threads', 1, process(rlimits.nthr.soft)),
    need('stack-size', stackSize, { level: 'thread', process: planned, capacity: unlimited }, process(unlimited)),
    need('stack', used, thread, process(unlimited)),
    need('address-space', stackSize, process(rlimits.as.soft)),
    need('memory', wholePages(used), process(rlimits.rss.soft)),
  )
}

/**
 * Mask of a thread which no thread creates: that of the first living thread of the process, as if that had created it.
 * Otherwise a signal which all threads of a process mask could kill the process.
 */
export function maskFromOutside(process: ModelProcess | null): SignalSet {
  return process?.threads.values().find(({ isDead }) => !isDead)?.mask ?? noSignals
}

/** A thread to be created, with the largest stack it may use. RLIMIT_STACK applies to the main thread only. */
function newThread(
  process: Pick<ModelProcess, 'name' | 'uid' | 'rlimits'>,
  { stackSize, isMain }: { stackSize: number; isMain: boolean },
): Newborn {
  return {
    level: 'thread',
    process,
    capacity: isMain ? Math.min(stackSize, process.rlimits.stack.soft) : stackSize,
  }
}

/** @throws KernelError EPERM when the priority is privileged, and the user is not */
export function checkPriority(uid: number, priority: number): void {
  if (uid !== 0 && priority > unprivilegedMax)
    throw new KernelError('EPERM', `a priority above ${unprivilegedMax} needs user 0`)
}

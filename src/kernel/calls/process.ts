/** Processes: made, ended, waited for, moved. */

import { KernelError } from '../errno.ts'
import type { Machine } from '../machine.ts'
import { type ModelProcess, modelRlimits, type RlimitName } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { containers } from '../objects/node.ts'
import type { Partition } from '../objects/partition.ts'
import type { Rlimit } from '../objects/process.ts'
import type { System } from '../objects/system.ts'
import { processEnded, processMoved, threadLeft } from '../observations.ts'
import { type Progress, success } from './call.ts'
import { destroyChannel, detach } from './channel.ts'
import { chargeMemory, moveMemory, needRoom, needRoomToMove } from './charging.ts'
import { pageBytes } from './memory.ts'
import { deliver } from './signal.ts'
import { limitMainStack, stopThread, type ThreadMaking } from './thread.ts'

/**
 * spawn: makes a child of the caller's process, with one thread, that is READY. It inherits user, partition and rlimits.
 * @param name what it is called
 * @param uid another user, for user 0 only
 * @param thread priority and stackSize of its thread
 * @returns pid
 * @throws EAGAIN RLIMIT_NPROC, or no room for a process or a thread; ENOMEM no room for its stack; EPERM another user
 */
export function spawn(
  machine: Machine,
  thread: ModelThread,
  { name, uid, thread: making = {} }: { name: string; uid?: number; thread?: Omit<ThreadMaking, 'detached'> },
): Progress {
  const { parent } = thread
  if (uid !== undefined && uid !== parent.uid && parent.uid !== 0)
    throw new KernelError('EPERM', `process ${parent.pid} is not user 0: its children have its own user`)
  needRoom(machine, { limit: 'children', node: parent, delta: 1 })
  const made = machine.spawn({
    name,
    uid: uid ?? parent.uid,
    parent,
    container: parent.container,
    rlimits: parent.rlimits,
    thread: { priority: thread.realPriority, ...making },
  })
  return { pid: made.pid }
}

/**
 * exit: ends the caller's process.
 * @param status its exit code, 0 to 255
 */
export function exit(machine: Machine, { parent }: ModelThread, { status = 0 }: { status?: number }): Progress {
  endProcess(machine, parent, { code: status, signal: null })
  return success
}

/**
 * waitpid: takes the end of a child, whose pid is free then. It never waits: sleep with SignalWaitinfo for SIGCHLD.
 * @param pid -1 is any child
 * @returns pid, code and signal; pid 0 where the child lives
 * @throws ECHILD no such child
 */
export function waitpid(machine: Machine, { parent }: ModelThread, { pid = -1 }: { pid?: number }): Progress {
  const zombie = pid === -1 ? parent.zombies.values().next().value : parent.zombies.get(pid)
  if (zombie !== undefined) {
    parent.zombies.delete(zombie.pid)
    machine.freePid(zombie.pid)
    return { ...zombie }
  }
  const lives = pid === -1 ? parent.children.size > 0 : machine.find(pid)?.parentProcess === parent
  if (!lives) throw new KernelError('ECHILD', pid === -1 ? 'it has no children' : `${pid} is no child of it`)
  return { pid: 0, code: null, signal: null }
}

/** The process ends, with all that it has. Preconditions: it lives. */
export function endProcess(
  machine: Machine,
  process: ModelProcess,
  ending: { readonly code: number | null; readonly signal: string | null },
): void {
  const { pid, threads, channels, connections, timers, zombies } = process
  const parent = process.parentProcess
  for (const thread of [...threads.values()]) if (thread.isDead) threadLeft(machine.kernel, thread)
  // Its threads first: none of them returns from anything any more.
  for (const thread of threads.values()) stopThread(machine, thread)
  for (const channel of [...channels.values()]) destroyChannel(machine, channel)
  for (const connection of [...connections.values()]) detach(machine, connection)
  for (const timer of timers.values()) machine.wheel.cancel(timer)
  chargeMemory(machine, process, -process.resident)
  processEnded(machine.kernel, process, ending)
  for (const zombie of zombies.values()) machine.freePid(zombie.pid)
  if (parent === null || !awaitsChildren(parent)) machine.freePid(pid)
  else {
    parent.zombies.set(pid, { pid, ...ending })
    tellParent(machine, parent, pid)
  }
}

/** Who ignores SIGCHLD has no zombies. */
const awaitsChildren = ({ dispositions }: ModelProcess): boolean => {
  for (const [{ name }, disposition] of dispositions) if (name === 'SIGCHLD') return disposition !== 'ignore'
  return true
}

function tellParent(machine: Machine, parent: ModelProcess, pid: number): void {
  const signal = machine.childSignal
  try {
    deliver(machine, parent, null, { signal, code: 0, value: pid, from: pid })
  } catch (error) {
    // A parent whose queue is full finds its zombie all the same, when it asks.
    if (!(error instanceof KernelError)) throw error
  }
}

/**
 * move: the process is of another partition from now on.
 * @param partition pathname of a partition; /sys is none
 * @throws ENOENT no such partition; EAGAIN or ENOMEM it has no room for what the process uses
 */
export function move(machine: Machine, process: ModelProcess, container: Partition | System): void {
  if (process.container === container) return
  const { resident } = process
  const before = new Set(containers(process))
  const after = new Set([container, ...containers(container)])
  const entered = after.difference(before)
  needRoomToMove(machine, process, entered)
  for (const node of before.difference(after)) moveMemory(machine, node, -resident)
  for (const node of entered) moveMemory(machine, node, resident)
  processMoved(machine.kernel, process, container)
}

/** Those that refuse nothing in QNX Neutrino: setting one is refused instead. */
const unsupported: ReadonlySet<RlimitName> = new Set(['fsize', 'memlock'])
const leastDescriptors = 100

/**
 * setrlimit: sets a soft and a hard limit of the caller's process.
 * @param rlimit as, core, cpu, data, nofile, nproc, nthr, rss or stack; POSIX units
 * @param soft @param hard null is unlimited
 * @throws EINVAL soft above hard; nofile below 100; nofile or nthr below what is in use; fsize and memlock, which are not
 * supported; EPERM raising the hard limit, and the caller is not user 0
 */
export function setrlimit(
  machine: Machine,
  { parent }: ModelThread,
  { rlimit, soft, hard }: { rlimit: RlimitName; soft: number | null; hard?: number | null },
): Progress {
  const known = parent.rlimits[rlimit]
  const wanted: Rlimit = {
    soft: soft ?? Number.POSITIVE_INFINITY,
    hard: hard === undefined ? known.hard : (hard ?? Number.POSITIVE_INFINITY),
  }
  if (unsupported.has(rlimit)) throw new KernelError('EINVAL', `RLIMIT_${rlimit.toUpperCase()} is not supported`)
  if (wanted.soft > wanted.hard) throw new KernelError('EINVAL', 'the soft limit is above the hard one')
  if (rlimit === 'nofile' && wanted.soft < leastDescriptors)
    throw new KernelError('EINVAL', `a process may have at least ${leastDescriptors} descriptors`)
  checkUse(machine, parent, rlimit, wanted.soft)
  if (wanted.hard > known.hard && parent.uid !== 0) throw new KernelError('EPERM', 'only user 0 raises a hard limit')
  parent.rlimits = { ...parent.rlimits, [rlimit]: wanted }
  applyRlimit(machine, parent, rlimit)
  return success
}

function checkUse(machine: Machine, process: ModelProcess, rlimit: RlimitName, soft: number): void {
  if (rlimit !== 'nofile' && rlimit !== 'nthr') return
  const inUse = machine.usage(process, rlimit === 'nofile' ? 'fds' : 'threads')
  if (soft < inUse) throw new KernelError('EINVAL', `${inUse} are in use`)
}

/** The soft limit is the process's capacity of the limits that it pairs with. */
export function applyRlimit(machine: Machine, process: ModelProcess, rlimit: RlimitName): void {
  const { soft } = process.rlimits[rlimit]
  switch (rlimit) {
    case 'as':
      machine.setCapacity(process, 'address-space', soft)
      break
    case 'cpu':
      machine.setCapacity(process, 'cpu-time', soft * 1e6)
      break
    case 'data':
      machine.setCapacity(process, 'data-pages', Math.floor(soft / pageBytes))
      break
    case 'nofile':
      machine.setCapacity(process, 'fds', soft)
      break
    case 'nproc':
      machine.setCapacity(process, 'children', soft)
      break
    case 'nthr':
      machine.setCapacity(process, 'threads', soft)
      break
    case 'rss':
      machine.setCapacity(process, 'memory', soft)
      break
    case 'stack':
      limitMainStack(machine, process)
      break
    default:
      // Of core files there are none; the others cannot be set.
      break
  }
}

export const unlimited: Rlimit = { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY }

/** What a process has that inherits from nobody: all is unlimited but descriptors. */
export const firstRlimits: Readonly<Record<RlimitName, Rlimit>> = {
  ...(Object.fromEntries(modelRlimits.map((name) => [name, unlimited])) as Record<RlimitName, Rlimit>),
  nofile: { soft: 1000, hard: 1000 },
}

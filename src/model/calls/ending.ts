/** Ends threads and processes, and gives back everything they have. */

import { assert, KernelError } from '../../kernel/errno.ts'
import { emitDenied } from '../../kernel/limits/thresholds/deny.ts'
import { processEnded, threadDied, threadLeft } from '../../kernel/observations.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelProcess, ProcessEnd } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { childSignal } from '../signals.ts'
import { destroyChannel, detach } from './channel.ts'
import { charge, chargeMemory } from './charging.ts'
import { deliver } from './delivery.ts'
import { wholePages } from './pages.ts'
import { dropPending } from './pending-signals.ts'
import { endService } from './priority.ts'
import { abandonWait, die } from './scheduling.ts'
import { wake } from './state-changes.ts'
import { endTimeout } from './timeouts.ts'

/** Ends a process with everything it has. Preconditions: it has not ended. */
export function endProcess(machine: MachineCore, process: ModelProcess, end: ProcessEnd): void {
  const { kernel, processes, wheel } = machine
  const { pid, threads, channels, connections, timers, zombies } = process
  const parent = process.parentProcess
  // Thresholds which have tripped are cleared by the end, not by the resources which are given back.
  kernel.settle()
  for (const node of [...threads.values(), process]) kernel.notifier.removeNode(node)
  for (const thread of [...threads.values()]) if (thread.isDead) threadLeft(kernel, thread)
  // Threads end first, so that none of them returns from a call any more.
  for (const thread of threads.values()) stopThread(machine, thread)
  for (const channel of [...channels.values()]) destroyChannel(machine, channel)
  for (const connection of [...connections.values()]) detach(machine, connection)
  for (const timer of timers.values()) wheel.cancel(timer)
  chargeMemory(machine, process, -process.resident)
  processEnded(kernel, process, end)
  for (const zombie of zombies.values()) processes.releasePid(zombie.pid)
  if (parent === null || ignoresChildren(parent)) processes.releasePid(pid)
  else {
    parent.zombies.set(pid, { pid, ...end })
    signalParent(machine, parent, pid)
  }
}

/** A process which ignores SIGCHLD has no zombies. */
function ignoresChildren({ dispositions }: ModelProcess): boolean {
  return dispositions.get(childSignal) === 'ignore'
}

/** Sends SIGCHLD to the parent. A parent whose signal queue is full finds its zombie all the same when it waits. */
function signalParent(machine: MachineCore, parent: ModelProcess, pid: number): void {
  try {
    const end = deliver(machine, parent, null, { signal: childSignal, code: 0, value: pid, from: pid })
    if (end !== null) endProcess(machine, parent, end)
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    emitDenied(machine.kernel, error, { cause: `/sys/proc/${pid}`, call: null })
  }
}

/** Ends a thread, and with the last thread its process. Preconditions: the thread has not ended. */
export function endThread(machine: MachineCore, thread: ModelThread, status: number): void {
  const process = thread.parent
  if (process.living === 1) {
    endProcess(machine, process, { code: status & 0xff, signal: null })
    return
  }
  stopThread(machine, thread)
  thread.status = status
  for (const client of clientsOf(thread)) wake(machine, client, { errno: 'ESRCH' })
  // Before the thread gives anything back: its end clears the thresholds which have tripped.
  threadDied(machine.kernel, thread)
  freeThread(machine, thread)
  const { joiner } = thread
  if (joiner !== null) wake(machine, joiner, { value: { tid: thread.tid, status } })
  if (joiner !== null || thread.detached) removeThread(machine, thread)
}

/** Takes a thread out of every queue and call. */
function stopThread(machine: MachineCore, thread: ModelThread): void {
  abandonWait(machine, thread)
  endTimeout(machine, thread)
  endService(thread)
  dropPending(machine, thread)
  for (const share of thread.shares ?? []) machine.wheel.cancel(share)
  thread.shares = null
  thread.recentUs = 0
  thread.calling = null
  die(machine, thread)
}

/** Clients whose message the thread has received and nobody has answered. */
function clientsOf(thread: ModelThread): ModelThread[] {
  const messages = [...thread.parent.received.values()]
  return messages.filter(({ receiver }) => receiver === thread).map(({ client }) => client)
}

/** Gives back what a thread has used. It still owns its mutexes, but they are not counted any more. */
function freeThread(machine: MachineCore, thread: ModelThread): void {
  const { pools } = machine
  const [size, used] = [pools.usage(thread, 'stack-size'), pools.usage(thread, 'stack')]
  chargeMemory(machine, thread.parent, -wholePages(used))
  charge(machine, thread.parent, 'address-space', -size)
  for (const limit of ['stack', 'stack-size', 'mutexes', 'cpu'] as const)
    charge(machine, thread, limit, -pools.usage(thread, limit))
}

/** Removes a thread which has ended. Its tid is free again. */
export function removeThread(machine: MachineCore, thread: ModelThread): void {
  assert(thread.isDead, 'a thread that is removed has ended')
  threadLeft(machine.kernel, thread)
  thread.parent.ids.tid.giveBack(thread.tid)
}

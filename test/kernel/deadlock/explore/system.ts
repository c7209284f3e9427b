/** Describes small systems to explore: their parts, the calls each thread may make, and when two states are equal. */

import { Kernel } from '../../../../src/kernel/kernel.ts'
import { modelAbilities } from '../../../../src/model/abilities.ts'
import type { KernelCall } from '../../../../src/model/calls/table.ts'
import { Machine } from '../../../../src/model/machine.ts'
import type { ModelProcess } from '../../../../src/model/objects/model-process.ts'
import type { ModelThread } from '../../../../src/model/objects/model-thread.ts'
import type { Mutex, Sync } from '../../../../src/model/objects/sync.ts'

export interface SystemPlan {
  /** Number of threads in each process. */
  readonly threads: readonly number[]
  /** Mutex names. A name that begins with / is shared by all processes. */
  readonly mutexes: readonly string[]
  /** Condition variables, each with the mutex that its waiters use. */
  readonly conditions: readonly (readonly [condvar: string, mutex: string])[]
  /** Processes, numbered from 1: the first of a pair may send to the second, which has one channel for all senders. */
  readonly sends: readonly (readonly [from: number, to: number])[]
  readonly joins: boolean
  readonly ends: boolean
  /** Only the receiver replies, as `receiver-will-reply` assumes. Without it any thread of a server replies. */
  readonly onlyReceiversReply?: true
}

export interface Move {
  readonly pid: number
  readonly tid: number
  readonly call: KernelCall
}

export function buildSystem({ threads, sends }: SystemPlan): Machine {
  const machine = new Machine(new Kernel({ abilities: modelAbilities, firstRevision: 1, now: 0 }))
  for (const [place, count] of threads.entries()) {
    const process = machine.create({ name: `p${place + 1}` })
    for (let tid = 2; tid <= count; tid++) machine.createThread(process, {})
    machine.call(process.pid, 1, { name: 'ChannelCreate', args: {} })
  }
  for (const [from, to] of sends) machine.call(from, 1, { name: 'ConnectAttach', args: { pid: to, chid: 1 } })
  return machine
}

/** Assigns each thread that can ever exist its bit in the masks. */
export class Places {
  readonly #first: readonly number[]
  readonly count: number

  constructor({ threads }: SystemPlan) {
    const before = (place: number) => threads.slice(0, place).reduce((sum, more) => sum + more, 0)
    this.#first = threads.map((_, place) => before(place))
    this.count = before(threads.length)
  }

  of({ parent, tid }: ModelThread): number {
    return this.#first[parent.pid - 1]! + tid - 1
  }
}

export const livingThreads = (machine: Machine): ModelThread[] =>
  machine.processes.all().flatMap(({ threads }) => [...threads.values()].filter(({ isDead }) => !isDead))

/** Lists the calls that runnable threads may make next: ordinary calls, none of which acts on others by force. */
export function movesOf(machine: Machine, plan: SystemPlan): Move[] {
  return livingThreads(machine)
    .filter(({ blocker }) => blocker === null)
    .flatMap((thread) =>
      callsOf(machine, plan, thread).map((call) => ({ pid: thread.parent.pid, tid: thread.tid, call })),
    )
}

function callsOf(machine: Machine, plan: SystemPlan, thread: ModelThread): KernelCall[] {
  const process = thread.parent
  const own = new Set([...(thread.owned ?? [])].map(({ name }) => name))
  const calls: KernelCall[] = []
  for (const mutex of plan.mutexes) {
    // A mutex that the thread owns already is included: then the thread waits for itself.
    calls.push({ name: 'SyncMutexLock', args: { mutex } })
    if (own.has(mutex)) calls.push({ name: 'SyncMutexUnlock', args: { mutex } })
  }
  for (const [condvar, mutex] of plan.conditions) {
    if (own.has(mutex)) calls.push({ name: 'SyncCondvarWait', args: { condvar, mutex } })
    if ((syncOf(machine, process, condvar)?.waiters.length ?? 0) > 0)
      calls.push({ name: 'SyncCondvarSignal', args: { condvar } })
  }
  for (const { coid, channel } of process.connections.values())
    if (!channel.destroyed) calls.push({ name: 'MsgSend', args: { coid } })
  if (plan.sends.some(([, to]) => to === process.pid)) calls.push({ name: 'MsgReceive', args: { chid: 1 } })
  for (const { rcvid, receiver } of process.received.values())
    if (!plan.onlyReceiversReply || receiver === thread) calls.push({ name: 'MsgReply', args: { rcvid } })
  if (plan.joins)
    for (const other of process.threads.values())
      if (other !== thread && other.joiner === null) calls.push({ name: 'ThreadJoin', args: { tid: other.tid } })
  if (plan.ends) calls.push({ name: 'ThreadDestroy', args: {} })
  return calls
}

const syncOf = (machine: Machine, process: ModelProcess, name: string): Sync | undefined =>
  (name.startsWith('/') ? machine.shared : process.syncs).get(name)

const nameOf = (thread: ModelThread): string => `${thread.parent.pid}.${thread.tid}`

/** Encodes everything that later behaviour depends on, so not times, message ids or counts of past events. */
export function keyOf(machine: Machine): string {
  let key = ''
  for (const process of machine.processes.all()) {
    key += `|${process.pid}`
    for (const thread of process.threads.values()) key += ` ${thread.tid}${waitKey(thread)}`
    for (const channel of process.channels.values()) {
      for (const sender of channel.senders) key += `s${nameOf(sender)}`
      for (const receiver of channel.receivers) key += `r${receiver.tid}`
    }
    for (const sync of process.syncs.values()) key += syncKey(sync)
  }
  for (const sync of machine.shared.values()) key += syncKey(sync)
  return key
}

function waitKey({ blocker, isDead, detached }: ModelThread): string {
  if (isDead) return 'x'
  switch (blocker?.state) {
    case undefined:
      return detached ? 'd' : ''
    case 'REPLY':
      return `R${blocker.message.connection.channel.owner.pid}.${blocker.message.receiver!.tid}`
    case 'SEND':
      return `S${blocker.message.connection.coid}`
    case 'JOIN':
      return `J${blocker.thread.tid}`
    case 'MUTEX':
      return `M${blocker.mutex.name}`
    case 'CONDVAR':
      return `C${blocker.condvar.name}`
    default:
      return blocker!.state
  }
}

/** An object without owner and waiters equals one that was never created. */
function syncKey(sync: Sync): string {
  const owner = sync.type === 'mutex' ? (sync as Mutex).owner : null
  if (owner === null && sync.waiters.length === 0) return ''
  let key = ` ${sync.name}=${owner === null ? '' : nameOf(owner)}${owner?.isDead ? 'x' : ''}`
  for (const waiter of sync.waiters) key += `,${nameOf(waiter)}`
  return key
}

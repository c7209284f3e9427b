/**
 * Checks that a restored machine obeys the rules of every machine: a blocked thread has one reason, an id is in use or
 * free, counters agree with the objects. A state which was written by hand may break them, and the machine would fail
 * later.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { LimitRow } from '../../kernel/limits/limit-row.ts'
import { type LimitName, limits } from '../../kernel/limits/table.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import type { Partition } from '../../kernel/nodes/partition.ts'
import type { System } from '../../kernel/nodes/system.ts'
import { pageBytes } from '../calls/pages.ts'
import { queuedPriority } from '../calls/priority.ts'
import type { Machine } from '../machine.ts'
import type { Blocker } from '../objects/blocker.ts'
import { type IdKind, idKinds, type ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { at } from './references.ts'

/** @throws KernelError EINVAL with the rule; `at` adds the place in the state */
function must(isSo: boolean, rule: string): void {
  if (!isSo) throw new KernelError('EINVAL', rule)
}

/** Preconditions: everything is restored. @throws KernelError EINVAL */
export function checkMachine(machine: Machine): void {
  const processes = machine.processes.all()
  for (const [index, process] of processes.entries()) {
    const threads = [...process.threads.values()]
    for (const [place, thread] of threads.entries())
      at(`processes/${index}/threads/${place}`, () => checkThread(machine, thread))
    at(`processes/${index}`, () => {
      must(process.living > 0, 'a process must have a thread which has not ended')
      checkIds(process)
      checkChannels(process)
      at('usage', () => checkProcessUsage(machine, process, threads))
    })
  }
  at('pids', () => checkPids(machine, processes))
  at('system', () => checkContainer(machine, machine.kernel.system))
  checkThresholds(machine)
}

function checkThread(machine: Machine, thread: ModelThread): void {
  const { blocker, condition, parent, calling, timeout, shares, pending, isDead } = thread
  const { state } = condition
  const waits = blocker !== null && blocker.state !== 'STOPPED'
  const isFree = state === 'READY' || state === 'RUNNING' || isDead
  at('state', () => {
    must(
      blocker === null ? isFree : blocker.state === state,
      `the state ${state} must be that of the blocker; without a blocker it must be READY, RUNNING or DEAD`,
    )
    must(
      (state === 'RUNNING') === (machine.running === thread),
      'the running thread must be RUNNING, and no other thread may be',
    )
    must(
      !parent.stopped || isDead || blocker !== null,
      `in a stopped process a thread must be DEAD or have a blocker, and this one is ${state}`,
    )
    must(parent.stopped || state !== 'STOPPED', 'a thread must not be STOPPED unless its process is stopped')
  })
  at('calling', () =>
    must(waits === (calling !== null), 'a thread must be in a call while it waits, and in none otherwise'),
  )
  must(
    !isDead || (timeout === null && shares === null && pending.length === 0),
    'a DEAD thread must have no timeout, shares or pending signals',
  )
  const isCounted = timeout !== null && waits && timeout.states.has(blocker.state)
  at('timeout', () =>
    must(
      timeout === null || timeout.isArmed === isCounted,
      'the timeout must be armed in the states which it lists, and in no other',
    ),
  )
  at('shares', () =>
    must(
      [...(shares ?? [])].every((share) => share.isArmed),
      'each share must have a time at which it leaves the window',
    ),
  )
  at('priority', () =>
    must(
      isDead || thread.priority === lentPriority(thread),
      'the priority must be the highest of its own and of the threads which wait for it',
    ),
  )
  if (blocker !== null)
    at('blocker', () =>
      must(canWait(thread, blocker), 'the blocker must be something for which this thread can still wait'),
    )
}

/** The priority which a thread must have. The first thread of a queue has the highest priority in it. */
function lentPriority({ servedPriority, realPriority, owned, receivedOn, serving }: ModelThread): number {
  const lenders = [...[...(owned ?? [])].map(({ waiters }) => waiters.first), serving?.client]
  const queued = receivedOn === null ? 0 : queuedPriority(receivedOn)
  return Math.max(servedPriority ?? realPriority, queued, ...lenders.map((lender) => lender?.priority ?? 0))
}

function canWait(thread: ModelThread, blocker: Blocker): boolean {
  switch (blocker.state) {
    case 'SEND':
    case 'REPLY': {
      const { receiver, connection } = blocker.message
      return !connection.channel.destroyed && receiver?.isDead !== true
    }
    case 'MUTEX':
      return blocker.mutex.owner !== null
    case 'SEM':
      return blocker.semaphore.value === 0
    case 'JOIN':
      return !blocker.thread.isDead && !blocker.thread.detached && blocker.thread.joiner === thread
    case 'NANOSLEEP':
      return blocker.sleep.isArmed
    default:
      return true
  }
}

/** Checks that each id is in use or free, and not both. Many rcvids are neither, because none is used again. */
function checkIds(process: ModelProcess): void {
  const { threads, channels, connections, received, timers, files, ids } = process
  const used: Record<IdKind, readonly number[]> = {
    tid: [...threads.keys()],
    chid: [...channels.keys()],
    coid: [...connections.keys()],
    scoid: [...channels.values()].flatMap(({ servers }) => [...servers.values()].map(({ scoid }) => scoid)),
    rcvid: [...received.keys()],
    timerid: [...timers.keys()],
    fd: [...files.keys()],
  }
  for (const kind of idKinds) {
    const { next, free } = ids[kind].state
    const first = kind === 'fd' ? 0 : 1
    const all = new Set([...used[kind], ...free])
    const isApart = all.size === used[kind].length + free.length
    const isWhole = isApart && (kind === 'rcvid' || all.size === next - first)
    const isWithin = [...all].every((id) => id >= first && id < next)
    at(`ids/${kind}`, () => must(isWhole && isWithin, 'each id below the next must be either in use or free'))
  }
}

function checkChannels({ channels, connections }: ModelProcess): void {
  for (const [index, { servers, pulses }] of [...channels.values()].entries()) {
    at(`channels/${index}/servers`, () => {
      for (const { connections: count } of servers.values())
        must(count > 0, 'each server id must have a connection of its client')
    })
    at(`channels/${index}/pulses`, () => {
      const inOrder = pulses.every(({ priority }, place) => place === 0 || pulses[place - 1]!.priority >= priority)
      must(inOrder, 'the pulses must be in order of priority, the highest first')
    })
  }
  for (const [index, { channel, client, server }] of [...connections.values()].entries())
    at(`connections/${index}`, () =>
      must(
        channel.destroyed || channel.servers.get(client) === server,
        'the channel must have the server id of the client',
      ),
    )
}

function checkPids({ processes: { pids } }: Machine, processes: readonly ModelProcess[]): void {
  const used = processes.flatMap(({ pid, zombies }) => [pid, ...zombies.keys()])
  must(
    used.length === pids.size && used.every((pid) => pids.has(pid)),
    'the pids must be those of the processes and zombies',
  )
}

function checkProcessUsage(machine: Machine, process: ModelProcess, threads: readonly ModelThread[]): void {
  const { channels, connections, timers, files, pending, dataPages, lockedPages } = process
  const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0)
  const each = [...channels.values()]
  const waiting = [...threads.map((thread) => thread.pending.length), ...each.map(({ pulses }) => pulses.length)]
  const counts: Partial<Record<LimitName, number>> = {
    channels: channels.size,
    'server-ids': total(each.map(({ servers }) => servers.size)),
    connections: connections.size,
    threads: threads.length,
    fds: files.size,
    timers: timers.size,
    signals: pending.length + total(waiting),
    'data-pages': dataPages,
    memlock: lockedPages * pageBytes,
    mutexes: total(threads.map((thread) => (thread.isDead ? 0 : (thread.owned?.size ?? 0)))),
  }
  for (const [limit, count] of Object.entries(counts) as [LimitName, number][])
    checkUsage(machine, process, limit, count)
  checkSums(machine, process, threads)
}

function checkContainer(machine: Machine, container: System | Partition): void {
  const partitions = [...container.partitions.values()]
  for (const [index, partition] of partitions.entries())
    at(`partitions/${index}`, () => checkContainer(machine, partition))
  at('usage', () => {
    const below = partitions.reduce((sum, partition) => sum + machine.pools.usage(partition, 'processes'), 0)
    checkUsage(machine, container, 'processes', container.members.size + below)
    checkSums(machine, container, [...container.members, ...partitions])
  })
}

/** Checks that sums are the sums of their parts. Limits whose sums include ended nodes are left out. */
function checkSums(machine: Machine, node: Node, parts: readonly Node[]): void {
  for (const { name, adds, at: levels, home, includesDead } of limits as readonly LimitRow[]) {
    const limit = name as LimitName
    if (adds !== 'sum' || home === node.level || !levels.includes(node.level)) continue
    const counted = parts.filter(({ level }) => levels.includes(level))
    const sum = counted.reduce((total, part) => total + machine.pools.usage(part, limit), 0)
    if (limit !== 'processes' && !includesDead) checkUsage(machine, node, limit, sum)
  }
}

function checkUsage(machine: Machine, node: Node, limit: LimitName, count: number): void {
  at(`${limit}/value`, () => {
    const value = machine.pools.usage(node, limit)
    must(value === count, `${node.path}/${limit} is ${value}, and must be ${count}`)
  })
}

function checkThresholds({ kernel }: Machine): void {
  for (const [index, threshold] of [...kernel.notifier.thresholds()].entries()) {
    const { watches, ttlMs, timer } = threshold
    const watched = [...kernel.notifier.reach.nodesOf(threshold)]
    at(`thresholds/${index}`, () => {
      must(
        watched.length === watches.size && watched.every((each) => watches.has(each)),
        'the threshold must watch the nodes to which it applies, and no other',
      )
      must(
        (timer?.isArmed ?? false) === (ttlMs !== null),
        'the threshold must have a timer if it has a ttl, and none otherwise',
      )
    })
  }
}

/**
 * Checks that the restored state equals the given one: nothing was contradictory, and nothing was ignored.
 * @throws KernelError EINVAL with the place of the first difference
 */
export function checkSame(loaded: object, given: object): void {
  const place = difference(loaded, given, '')
  if (place === null) return
  throw new KernelError('EINVAL', 'it contradicts or repeats another part of the state', {
    field: place.slice(1),
  })
}

/** A JSON pointer to the first difference; null when there is none. */
function difference(one: unknown, other: unknown, place: string): string | null {
  if (one === other) return null
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return place
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  for (const name of names) {
    const below = `${place}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const found = difference(Reflect.get(one, name), Reflect.get(other, name), below)
    if (found !== null) return found
  }
  return null
}

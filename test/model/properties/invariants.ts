/** Invariants of a machine. Each function returns the violations it finds. */

import { limits } from '../../../src/kernel/limits/table.ts'
import type { Machine } from '../../../src/model/machine.ts'
import type { Blocker } from '../../../src/model/objects/blocker.ts'
import type { IdKind, ModelProcess } from '../../../src/model/objects/model-process.ts'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import type { Sync } from '../../../src/model/objects/sync.ts'
import type { ModelTimer } from '../../../src/model/objects/timer.ts'
import type { WaitQueue } from '../../../src/model/objects/wait-queue.ts'

const blockedStates = [
  'STOPPED',
  'SEND',
  'RECEIVE',
  'REPLY',
  'SIGSUSPEND',
  'SIGWAITINFO',
  'NANOSLEEP',
  'MUTEX',
  'CONDVAR',
  'JOIN',
  'SEM',
]

export const threadsOf = (machine: Machine): ModelThread[] =>
  machine.processes.all().flatMap(({ threads }) => [...threads.values()])

const syncsOf = (machine: Machine): Sync[] => [
  ...machine.shared.values(),
  ...machine.processes.all().flatMap(({ syncs }) => [...syncs.values()]),
]

/** Returns every violation with its place. */
export function wrongs(machine: Machine): string[] {
  return [
    ...threadsOf(machine).flatMap((thread) => wrongThread(machine, thread).map((wrong) => `${thread.path}: ${wrong}`)),
    ...wrongQueues(machine),
    ...wrongPriorities(machine),
    ...wrongIds(machine),
    ...wrongTimers(machine),
    ...wrongSyncs(machine),
    ...wrongMessages(machine),
    ...wrongFamilies(machine),
  ]
}

/** A blocked thread has one reason, which fits its state and exists. */
function wrongThread(machine: Machine, thread: ModelThread): string[] {
  const { blocker, condition, parent, calling, timeout } = thread
  const state = condition.state ?? 'none'
  const wrong: string[] = []
  if (blockedStates.includes(state) !== (blocker !== null)) wrong.push(`${state} with blocker ${blocker?.state}`)
  if (blocker !== null && blocker.state !== state) wrong.push(`${state}, but blocked in ${blocker.state}`)
  if ((state === 'RUNNING') !== (machine.running === thread)) wrong.push(`${state}, but the running one is another`)
  const waits = blocker !== null && state !== 'STOPPED'
  if (waits !== (calling !== null)) wrong.push(`${state} in the call ${calling}`)
  if (parent.stopped && !(state === 'DEAD' || blocker !== null)) wrong.push(`${state} in a stopped process`)
  if (!parent.stopped && state === 'STOPPED') wrong.push('STOPPED in a process that goes on')
  if (state === 'DEAD' && (timeout !== null || thread.shares !== null || thread.pending.length > 0))
    wrong.push('DEAD with something left')
  if (blocker !== null && !isThere(machine, thread, blocker)) wrong.push(`${state} on what is not there`)
  if (thread.queue !== (blocker === null ? null : queueFor(blocker))) wrong.push(`${state} in another queue`)
  const isCounted = timeout !== null && blocker !== null && waits && timeout.states.has(blocker.state)
  if (timeout !== null && timeout.isArmed !== isCounted) wrong.push(`${state} with its time-out armed or not`)
  return wrong
}

function isThere(machine: Machine, { parent }: ModelThread, blocker: Blocker): boolean {
  const isThereSync = (sync: Sync) => (sync.process === null ? machine.shared : parent.syncs).get(sync.name) === sync
  switch (blocker.state) {
    case 'SEND':
    case 'REPLY': {
      const { connection, rcvid, receiver } = blocker.message
      const { owner, chid } = connection.channel
      const isOpen = machine.processes.find(owner.pid) === owner && owner.channels.get(chid) === connection.channel
      const isAttached = parent.connections.get(connection.coid) === connection
      if (blocker.state === 'SEND') return isOpen && isAttached && rcvid === 0 && receiver === null
      const isReceived = owner.received.get(rcvid) === blocker.message
      return isOpen && isAttached && isReceived && receiver !== null && owner.threads.get(receiver.tid) === receiver
    }
    case 'RECEIVE':
      return parent.channels.get(blocker.channel.chid) === blocker.channel
    case 'MUTEX':
      return isThereSync(blocker.mutex) && blocker.mutex.owner !== null
    case 'CONDVAR':
      return isThereSync(blocker.condvar) && isThereSync(blocker.mutex)
    case 'SEM':
      return isThereSync(blocker.semaphore) && blocker.semaphore.value === 0
    case 'JOIN':
      return parent.threads.get(blocker.thread.tid) === blocker.thread && !blocker.thread.isDead
    case 'NANOSLEEP':
      return blocker.sleep.isArmed
    default:
      return true
  }
}

function queueFor(blocker: Blocker): WaitQueue | null {
  switch (blocker.state) {
    case 'SEND':
      return blocker.message.connection.channel.senders
    case 'RECEIVE':
      return blocker.channel.receivers
    case 'MUTEX':
      return blocker.mutex.waiters
    case 'CONDVAR':
      return blocker.condvar.waiters
    case 'SEM':
      return blocker.semaphore.waiters
    default:
      return null
  }
}

/** Queues contain exactly the threads that wait in them, in order, linked in both directions. */
function wrongQueues(machine: Machine): string[] {
  const channels = machine.processes.all().flatMap((process) => [...process.channels.values()])
  const queues = [
    ...channels.flatMap(({ path, senders, receivers }) => [
      { name: `${path} senders`, queue: senders },
      { name: `${path} receivers`, queue: receivers },
    ]),
    ...syncsOf(machine).map(({ name, waiters }) => ({ name, queue: waiters })),
  ]
  const waiting = threadsOf(machine)
  return queues.flatMap(({ name, queue }) => {
    const members = waiting.filter((thread) => thread.queue === queue)
    const sorted = members.sort((one, other) => other.priority - one.priority || one.arrival - other.arrival)
    const forwards: ModelThread[] = []
    for (let at = queue.first; at !== null && forwards.length <= waiting.length; at = at.next) forwards.push(at)
    const backwards: ModelThread[] = []
    for (let at = queue.last; at !== null && backwards.length <= waiting.length; at = at.previous) backwards.push(at)
    const order = (threads: readonly ModelThread[]) => threads.map(({ path }) => path).join(' ')
    const isWrong =
      order(forwards) !== order(sorted) ||
      order(backwards.reverse()) !== order(sorted) ||
      queue.length !== sorted.length
    return isWrong ? [`${name}: ${order(forwards)} instead of ${order(sorted)}`] : []
  })
}

/** The priority of a thread is the maximum of its own and the priorities of the threads that wait for it. */
function wrongPriorities(machine: Machine): string[] {
  const threads = threadsOf(machine).filter(({ isDead }) => !isDead)
  const priorities = new Map(threads.map((thread) => [thread, priorityOfWork(thread)] as const))
  const lenders = threads.flatMap((lender) => lendsTo(lender, threads).map((borrower) => ({ lender, borrower })))
  for (let isRising = true; isRising; ) {
    isRising = false
    for (const { lender, borrower } of lenders) {
      if (priorities.get(borrower)! >= priorities.get(lender)!) continue
      priorities.set(borrower, priorities.get(lender)!)
      isRising = true
    }
  }
  return threads
    .filter((thread) => thread.priority !== priorities.get(thread))
    .map((thread) => `${thread.path}: runs at ${thread.priority} instead of ${priorities.get(thread)}`)
}

/** Priority of a thread without what other threads lend to it. A pulse which waits at its channel lends too. */
function priorityOfWork({ servedPriority, realPriority, receivedOn }: ModelThread): number {
  const pulses = (receivedOn?.pulses ?? []).map(({ priority }) => priority)
  return Math.max(servedPriority ?? realPriority, ...pulses)
}

function lendsTo(lender: ModelThread, threads: readonly ModelThread[]): ModelThread[] {
  const { blocker } = lender
  if (blocker?.state === 'MUTEX') return threads.filter((thread) => blocker.mutex.owner === thread)
  if (blocker?.state === 'SEND')
    return threads.filter(({ receivedOn }) => receivedOn === blocker.message.connection.channel)
  if (blocker?.state === 'REPLY') return threads.filter(({ serving }) => serving === blocker.message)
  return []
}

/** An id is either in use or free; an rcvid is in use at most once. */
function wrongIds(machine: Machine): string[] {
  const wrong: string[] = []
  for (const process of machine.processes.all()) {
    const used: Record<IdKind, number[]> = {
      tid: [...process.threads.keys()],
      chid: [...process.channels.keys()],
      coid: [...process.connections.keys()],
      scoid: [...process.channels.values()].flatMap(({ servers }) => [...servers.values()].map(({ scoid }) => scoid)),
      rcvid: [...process.received.keys()],
      timerid: [...process.timers.keys()],
      fd: [...process.files.keys()],
    }
    for (const [kind, inUse] of Object.entries(used) as [IdKind, number[]][]) {
      const { next, free } = process.ids[kind].state
      const first = kind === 'fd' ? 0 : 1
      const all = [...inUse, ...free].sort((one, other) => one - other)
      const expected = Array.from({ length: next - first }, (_, place) => first + place)
      if (kind === 'rcvid') {
        if (free.length > 0 || inUse.some((rcvid) => rcvid < first || rcvid >= next))
          wrong.push(`${process.path}: rcvid ${inUse} used, ${free} free, next ${next}`)
      } else if (all.join(' ') !== expected.join(' '))
        wrong.push(`${process.path}: ${kind} ${inUse} used, ${free} free, next ${next}`)
    }
  }
  const pids = machine.processes.all().flatMap(({ pid, zombies }) => [pid, ...zombies.keys()])
  const held = [...machine.processes.pids]
  const order = (all: number[]) => all.sort((one, other) => one - other).join(' ')
  if (order(pids) !== order(held)) wrong.push(`pids ${held} are held, ${pids} are in use`)
  return wrong
}

/** An armed timer belongs to a living thread or process, and a timed wait has an armed timer. */
function wrongTimers(machine: Machine): string[] {
  const threads = threadsOf(machine)
  const known = new Set<ModelTimer>(machine.processes.all().flatMap(({ timers }) => [...timers.values()]))
  for (const { timeout, shares, blocker } of threads) {
    if (timeout !== null) known.add(timeout)
    for (const share of shares ?? []) known.add(share)
    if (blocker?.state === 'NANOSLEEP') known.add(blocker.sleep)
  }
  const armed = machine.wheel.armed()
  const strays = armed.filter((timer) => !known.has(timer)).map(({ purpose }) => `a ${purpose} of nobody is armed`)
  const lost = threads
    .flatMap(({ shares }) => [...(shares ?? [])])
    .filter((share) => !share.isArmed)
    .map(() => 'CPU time that never leaves its window')
  const unsorted = armed.some((timer, place) => place > 0 && armed[place - 1]!.at > timer.at)
  return [...strays, ...lost, ...(unsorted ? ['timers out of order'] : [])]
}

/** Owners know their mutexes; a mutex without an owner has no waiters. */
function wrongSyncs(machine: Machine): string[] {
  const threads = threadsOf(machine)
  const mutexes = syncsOf(machine).filter((sync) => sync.type === 'mutex')
  const wrong = mutexes.flatMap((mutex) => {
    const { name, owner, count, awaited, waiters } = mutex
    const waits = threads.filter(({ blocker }) => blocker?.state === 'CONDVAR' && blocker.mutex === mutex).length
    return [
      ...(owner === null && waiters.length > 0 ? [`${name}: nobody’s, and waited for`] : []),
      ...((owner === null) !== (count === 0) ? [`${name}: locked ${count} times by ${owner?.path}`] : []),
      ...(owner !== null && !owner.owned?.has(mutex) ? [`${name}: its owner does not know`] : []),
      ...(awaited !== waits ? [`${name}: awaited by ${awaited} instead of ${waits}`] : []),
    ]
  })
  const owned = threads.flatMap((thread) => [...(thread.owned ?? [])].map((mutex) => ({ thread, mutex })))
  return [
    ...wrong,
    ...owned
      .filter(({ thread, mutex }) => mutex.owner !== thread || !mutexes.includes(mutex))
      .map(({ thread, mutex }) => `${thread.path} owns ${mutex.name}, which is not so`),
  ]
}

/** Servers know exactly the messages whose clients wait for a reply, and exactly the connected clients. */
function wrongMessages(machine: Machine): string[] {
  const threads = threadsOf(machine)
  const processes = machine.processes.all()
  return processes.flatMap((server) => {
    const { path, received, channels, threads: own } = server
    const waiting = threads.filter(
      ({ blocker }) => blocker?.state === 'REPLY' && blocker.message.connection.channel.owner === server,
    )
    const isWrong =
      waiting.length !== received.size ||
      waiting.some(({ blocker }) => blocker?.state === 'REPLY' && !received.has(blocker.message.rcvid))
    const wrong = isWrong ? [`${path}: ${received.size} messages received, ${waiting.length} clients wait`] : []
    for (const channel of channels.values()) {
      for (const { client, connections, scoid } of channel.servers.values()) {
        const attached = [...client.connections.values()].filter((connection) => connection.channel === channel)
        if (machine.processes.find(client.pid) !== client || attached.length !== connections || connections === 0)
          wrong.push(`${channel.path}: scoid ${scoid} has ${connections} connections instead of ${attached.length}`)
      }
      for (const receiver of channel.lastReceivers)
        if (receiver.receivedOn !== channel || own.get(receiver.tid) !== receiver || receiver.isDead)
          wrong.push(`${channel.path}: ${receiver.path} received here last, which is not so`)
      const { pulses } = channel
      if (pulses.some((pulse, place) => place > 0 && pulses[place - 1]!.priority < pulse.priority))
        wrong.push(`${channel.path}: pulses out of order`)
    }
    for (const thread of own.values()) {
      const { receivedOn, serving } = thread
      if (receivedOn !== null && !receivedOn.lastReceivers.has(thread)) wrong.push(`${thread.path}: received nowhere`)
      if (serving !== null && received.get(serving.rcvid) !== serving) wrong.push(`${thread.path}: serves nobody`)
    }
    return wrong
  })
}

/** Parents and children know each other, and so do containers and their members. */
function wrongFamilies(machine: Machine): string[] {
  const processes = machine.processes.all()
  const exists = (process: ModelProcess) => processes.includes(process)
  return processes.flatMap((process) => {
    const { path, parentProcess, container, threads, living } = process
    const alive = [...threads.values()].filter(({ isDead }) => !isDead).length
    return [
      ...(parentProcess !== null && !(exists(parentProcess) && parentProcess.children.has(process))
        ? [`${path}: its parent does not know it`]
        : []),
      ...[...process.children]
        .filter((child) => !processes.some((each) => each === child && each.parentProcess === process))
        .map((child) => `${path}: ${child.path} is no child of it`),
      ...(container.members.has(process) ? [] : [`${path}: not in ${container.path}`]),
      ...(alive !== living || living === 0 ? [`${path}: ${living} threads live instead of ${alive}`] : []),
    ]
  })
}

export const refusable = limits.filter(({ errno }) => errno !== null).map(({ name }) => name)

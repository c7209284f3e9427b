/**
 * Turns random numbers into operations on a machine. Most operations are meaningful in its present state, and a few are
 * not.
 */

import { rlimitNames } from '../../../src/kernel/limits/rlimits.ts'
import type { LimitName } from '../../../src/kernel/limits/table.ts'
import type { ThresholdDefinition } from '../../../src/kernel/limits/thresholds/threshold.ts'
import { partitionsWithin } from '../../../src/kernel/nodes/within.ts'
import type { TimeoutState } from '../../../src/kernel/states.ts'
import { timeoutStates } from '../../../src/kernel/states.ts'
import type { CallArguments, KernelCall, KernelCallName } from '../../../src/model/calls/table.ts'
import type { Machine } from '../../../src/model/machine.ts'
import type { ModelProcess } from '../../../src/model/objects/model-process.ts'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import { mutexKinds, type Sync } from '../../../src/model/objects/sync.ts'
import type { Operation } from './operations.ts'

/** One random step: as many numbers as an operation may need. */
export type Step = readonly number[]

export const numbersOfStep = 16

class Choice {
  readonly #numbers: Step
  #next = 0

  constructor(numbers: Step) {
    this.#numbers = numbers
  }

  below(end: number): number {
    return (this.#numbers[this.#next++] ?? 0) % end
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!
  }

  /** Chooses one of the existing ones; sometimes, or if there are none, one that probably does not exist. */
  id(ids: Iterable<number>, strays = 20): number {
    const all = [...ids]
    return all.length === 0 || this.below(strays) === 0 ? this.below(8) : this.of(all)
  }

  chance(of: number): boolean {
    return this.below(of) === 0
  }
}

const partitionNames: readonly (readonly string[])[] = [['a'], ['a', 'b'], ['a', 'b', 'c'], ['d']]
const priorities = [5, 10, 10, 10, 15, 20, 40, 63, 100]
const signals = ['SIGUSR1', 'SIGUSR2', 'SIGCHLD', 'SIGTSTP', 'SIGCONT', 'SIGRTMIN', 'SIGRTMIN+1', 'SIGSEGV'] as const
const mutexes = ['m', 'n', '/m', '/n']
const condvars = ['c', '/c']
const semaphores = ['s', '/s']
const syncNames = [...mutexes, ...condvars, ...semaphores]
const pools: readonly LimitName[] = [
  'channels',
  'server-ids',
  'connections',
  'stack',
  'stack-size',
  'data-pages',
  'memory',
  'address-space',
  'threads',
  'processes',
  'fds',
  'timers',
  'signals',
  'memlock',
  'file-size',
]

/** Limits of thresholds, each with a unit of trip points within reach. */
const watched: readonly (readonly [limit: LimitName, unit: number])[] = [
  ['threads', 1],
  ['channels', 1],
  ['connections', 1],
  ['server-ids', 1],
  ['children', 1],
  ['processes', 2],
  ['mutexes', 1],
  ['fds', 1],
  ['timers', 1],
  ['stack', 3000],
  ['stack-size', 70_000],
  ['data-pages', 5],
  ['memory', 20_000],
  ['signals', 1],
  ['cpu', 1],
]
const actions: readonly Pick<ThresholdDefinition, 'action' | 'signal'>[] = [
  { action: 'notify' },
  { action: 'notify' },
  { action: 'deny' },
  { action: 'deny' },
  { action: 'deny' },
  { action: 'signal', signal: 'SIGCONT' },
  { action: 'signal', signal: 'SIGUSR1' },
  { action: 'signal', signal: 'SIGTSTP' },
]

/** Relative frequency of each call; the rarest have 1. */
const weights: readonly (readonly [name: KernelCallName, weight: number])[] = [
  ['MsgSend', 14],
  ['MsgReceive', 14],
  ['MsgReply', 12],
  ['MsgError', 2],
  ['MsgSendPulse', 6],
  ['ChannelCreate', 5],
  ['ChannelDestroy', 2],
  ['ConnectAttach', 10],
  ['ConnectDetach', 3],
  ['ThreadCreate', 6],
  ['ThreadDestroy', 3],
  ['ThreadJoin', 4],
  ['ThreadDetach', 2],
  ['SyncTypeCreate', 3],
  ['SyncDestroy', 2],
  ['SyncMutexLock', 14],
  ['SyncMutexTryLock', 3],
  ['SyncMutexUnlock', 12],
  ['SyncCondvarWait', 6],
  ['SyncCondvarSignal', 6],
  ['SyncSemWait', 5],
  ['SyncSemPost', 5],
  ['SignalKill', 8],
  ['kill', 2],
  ['SignalAction', 5],
  ['SignalProcmask', 6],
  ['SignalWaitinfo', 4],
  ['SignalSuspend', 3],
  ['TimerCreate', 4],
  ['TimerSettime', 6],
  ['TimerDestroy', 2],
  ['TimerTimeout', 8],
  ['nanosleep', 4],
  ['compute', 4],
  ['mmap', 4],
  ['munmap', 3],
  ['enter', 4],
  ['leave', 3],
  ['open', 4],
  ['close', 2],
  ['write', 3],
  ['setrlimit', 3],
  ['spawn', 4],
  ['waitpid', 4],
  ['exit', 1],
]
const callNames = weights.flatMap(([name, weight]) => Array.from({ length: weight }, () => name))

type Making = { [N in KernelCallName]: (choice: Choice, thread: ModelThread, machine: Machine) => CallArguments<N> }

const pidOf = (choice: Choice, machine: Machine): number => choice.id(machine.kernel.processes.keys())
const coidOf = (choice: Choice, { parent }: ModelThread): number => choice.id(parent.connections.keys())
const some = <T>(choice: Choice, all: readonly T[]): T[] => all.filter(() => choice.chance(2))

/** Mostly a signal for which the receiver is prepared. */
function signalFor(choice: Choice, receiver: ModelProcess | null): string {
  if (choice.chance(25)) return choice.of(['SIGKILL', 'SIGTERM', 'SIGSTOP', 'SIGSTOP'])
  const threads = [...(receiver?.threads.values() ?? [])]
  const expected = signals.filter(
    (name) =>
      name === 'SIGCONT' ||
      [...(receiver?.dispositions.keys() ?? [])].some((signal) => signal.name === name) ||
      threads.some(({ mask, blocker }) =>
        [...mask, ...(blocker?.state === 'SIGWAITINFO' ? blocker.signals : [])].some((signal) => signal.name === name),
      ),
  )
  return choice.of(expected)
}

const made: Making = {
  spawn: (choice) => ({
    name: 'child',
    ...(choice.chance(6) && { uid: 1000 }),
    ...(choice.chance(4) && { thread: { stackSize: 4_000_000 } }),
  }),
  exit: (choice) => ({ status: choice.below(4) }),
  waitpid: (choice, { parent }) => (choice.chance(2) ? {} : { pid: choice.id(parent.zombies.keys(), 4) }),
  kill: (choice, _, machine) => {
    const pid = pidOf(choice, machine)
    return { pid, signal: signalFor(choice, machine.processes.find(pid)) }
  },
  setrlimit: (choice) => {
    const rlimit = choice.of([...rlimitNames, 'cpu' as const])
    const unit = rlimit === 'cpu' ? 1 : 4096
    const hard = choice.chance(4) ? null : choice.below(40) * unit
    return {
      rlimit,
      soft: choice.chance(3) ? null : choice.below(30) * unit,
      ...(choice.chance(2) && { hard }),
    }
  },
  ThreadCreate: (choice) => ({
    priority: choice.of(priorities),
    detached: choice.chance(3),
    ...(choice.chance(2) && { stackSize: choice.of([1000, 4096, 8192, 40_000, 400_000]) }),
  }),
  ThreadDestroy: (choice, { parent }) => ({
    tid: choice.chance(12) ? choice.of([0, -1]) : choice.id(parent.threads.keys()),
    status: choice.below(5),
  }),
  ThreadJoin: (choice, { parent }) => ({ tid: choice.id(parent.threads.keys()) }),
  ThreadDetach: (choice, { parent }) => ({ tid: choice.id(parent.threads.keys()) }),
  ChannelCreate: (choice) => ({ fixedPriority: choice.chance(5) }),
  ChannelDestroy: (choice, { parent }) => ({ chid: choice.id(parent.channels.keys()) }),
  ConnectAttach: (choice, thread, machine) => {
    const servers = machine.processes.all().filter(({ channels }) => channels.size > 0)
    if (servers.length === 0 || choice.chance(15)) return { pid: pidOf(choice, machine), chid: 1 + choice.below(3) }
    const server = choice.of(servers)
    const pid = server === thread.parent && choice.chance(2) ? 0 : server.pid
    return { pid, chid: choice.id(server.channels.keys()) }
  },
  ConnectDetach: (choice, thread) => ({ coid: coidOf(choice, thread) }),
  MsgSend: (choice, thread) => ({ coid: coidOf(choice, thread), msg: choice.of(['hello', 1, null]) }),
  MsgReceive: (choice, { parent }) => ({ chid: choice.id(parent.channels.keys()) }),
  MsgReply: (choice, { parent }) => ({ rcvid: choice.id(parent.received.keys()), status: choice.below(3) }),
  MsgError: (choice, { parent }) => ({
    rcvid: choice.id(parent.received.keys()),
    error: choice.of(['EPERM', 'EBUSY']),
  }),
  MsgSendPulse: (choice, thread) => ({
    coid: coidOf(choice, thread),
    code: choice.below(3),
    value: choice.below(2),
    ...(choice.chance(2) && { priority: choice.of(priorities) }),
  }),
  SyncTypeCreate: (choice) => {
    const name = choice.of(syncNames)
    const expected = mutexes.includes(name) ? 'mutex' : condvars.includes(name) ? 'condvar' : 'semaphore'
    const type = choice.chance(20) ? 'mutex' : expected
    return {
      name,
      type,
      ...((type === 'mutex' || choice.chance(20)) && { kind: choice.of(mutexKinds) }),
      ...((type === 'semaphore' || choice.chance(20)) && { value: choice.below(3) }),
    }
  },
  SyncDestroy: (choice) => ({ name: choice.of(syncNames) }),
  SyncMutexLock: (choice) => ({
    mutex: choice.of(mutexes),
    ...(choice.chance(4) && { kind: choice.of(mutexKinds) }),
  }),
  SyncMutexTryLock: (choice) => ({ mutex: choice.of(mutexes) }),
  SyncMutexUnlock: (choice, { owned }) => {
    const own = [...(owned ?? [])].map(({ name }) => name)
    return { mutex: own.length === 0 || choice.chance(10) ? choice.of(mutexes) : choice.of(own) }
  },
  SyncCondvarWait: (choice, { owned }) => {
    const own = [...(owned ?? [])].map(({ name }) => name)
    return { condvar: choice.of(condvars), mutex: own.length === 0 ? choice.of(mutexes) : choice.of(own) }
  },
  SyncCondvarSignal: (choice) => ({ condvar: choice.of(condvars), all: choice.chance(3) }),
  SyncSemWait: (choice) => ({ semaphore: choice.of(semaphores), try: choice.chance(4) }),
  SyncSemPost: (choice) => ({ semaphore: choice.of(semaphores) }),
  SignalKill: (choice, _, machine) => {
    const pid = pidOf(choice, machine)
    const receiver = machine.processes.find(pid)
    const signal = choice.chance(20) ? null : signalFor(choice, receiver)
    return {
      pid,
      tid: choice.chance(2) ? 0 : choice.id(receiver?.threads.keys() ?? []),
      signal,
      value: choice.below(3),
    }
  },
  SignalAction: (choice) => ({
    signal: choice.chance(20) ? 'SIGKILL' : choice.of(signals),
    action: choice.of(['handle', 'handle', 'handle', 'ignore', 'default']),
  }),
  SignalProcmask: (choice) => ({
    how: choice.of(['block', 'block', 'unblock', 'set']),
    signals: some(choice, [...signals.slice(0, 6), 'SIGKILL']),
  }),
  SignalWaitinfo: (choice) => ({ signals: some(choice, signals.slice(0, 6)) }),
  SignalSuspend: (choice) => ({ mask: some(choice, signals.slice(0, 6)) }),
  TimerCreate: (choice, thread) => ({
    notify: choice.chance(3)
      ? { signal: signalFor(choice, thread.parent) }
      : { pulse: { coid: coidOf(choice, thread), code: choice.below(3) } },
  }),
  TimerSettime: (choice, { parent }) => ({
    timerid: choice.id(parent.timers.keys()),
    after: choice.below(40),
    every: choice.of([0, 0, 7, 30]),
  }),
  TimerDestroy: (choice, { parent }) => ({ timerid: choice.id(parent.timers.keys()) }),
  TimerTimeout: (choice) => ({
    states: choice.chance(8) ? [] : timeoutStates.filter(() => !choice.chance(4)),
    after: choice.of([0, 5, 20, 60]),
  }),
  nanosleep: (choice) => ({ for: choice.below(50) }),
  compute: (choice) => ({ us: choice.of([0, 300, 499, 5000, 20_000, 1_500_000]) }),
  mmap: (choice) => ({ pages: 1 + choice.below(12), locked: choice.chance(3) }),
  munmap: (choice) => ({ pages: 1 + choice.below(8) }),
  enter: (choice) => ({ bytes: choice.of([0, 100, 4096, 9000, 20_000]) }),
  leave: (choice) => ({ bytes: choice.of([0, 100, 4096, 9000]) }),
  open: (choice) => ({ path: '/file', write: choice.chance(2), size: choice.below(300) }),
  close: (choice, { parent }) => ({ fd: choice.id(parent.files.keys()) }),
  write: (choice, { parent }) => ({ fd: choice.id(parent.files.keys()), bytes: choice.below(200) }),
}

const hasSemaphore = (syncs: ReadonlyMap<string, Sync>): boolean =>
  semaphores.some((name) => syncs.get(name)?.type === 'semaphore')

/** Preconditions for a call to be meaningful. Calls that are not listed always are. */
const apt: Partial<Record<KernelCallName, (thread: ModelThread, machine: Machine) => boolean>> = {
  MsgSend: ({ parent }) => parent.connections.size > 0,
  MsgSendPulse: ({ parent }) => parent.connections.size > 0,
  ConnectDetach: ({ parent }) => parent.connections.size > 0,
  ConnectAttach: (_, machine) => machine.processes.all().some(({ channels }) => channels.size > 0),
  MsgReceive: ({ parent }) => parent.channels.size > 0,
  ChannelDestroy: ({ parent }) => parent.channels.size > 0,
  MsgReply: ({ parent }) => parent.received.size > 0,
  MsgError: ({ parent }) => parent.received.size > 0,
  SyncMutexUnlock: ({ owned }) => (owned?.size ?? 0) > 0,
  SyncCondvarWait: ({ owned }) => (owned?.size ?? 0) > 0,
  SyncSemWait: ({ parent }, { shared }) => hasSemaphore(parent.syncs) || hasSemaphore(shared),
  SyncSemPost: ({ parent }, { shared }) => hasSemaphore(parent.syncs) || hasSemaphore(shared),
  SyncDestroy: ({ parent }, { shared }) => parent.syncs.size + shared.size > 0,
  TimerSettime: ({ parent }) => parent.timers.size > 0,
  TimerDestroy: ({ parent }) => parent.timers.size > 0,
  close: ({ parent }) => parent.files.size > 0,
  write: ({ parent }) => parent.files.size > 0,
  munmap: ({ parent }) => parent.dataPages > 0,
  waitpid: ({ parent }) => parent.zombies.size > 0,
  ThreadJoin: ({ parent }) => parent.threads.size > 1,
  ThreadDetach: ({ parent }) => parent.threads.size > 1,
}

function callBy(choice: Choice, thread: ModelThread, machine: Machine): KernelCall {
  const able = callNames.filter((each) => apt[each]?.(thread, machine) ?? true)
  const name = choice.of(choice.chance(25) ? callNames : able)
  return { name, args: made[name](choice, thread, machine) } as KernelCall
}

const often = [null, null, null] as const
const onlyRoot = { name: 'm*', uid: 0, partition: null }

function crossing(choice: Choice, unit: number) {
  const action = choice.of(actions)
  const at = choice.of([1, 1, 2, 2, 3, 4]) * unit
  // A denying threshold has no duration.
  return { at, ...action, for: action.action === 'deny' ? null : choice.of([...often, '1ms', '20ms']) }
}

const change = (choice: Choice) =>
  ({ on: 'change', every: choice.of([null, '1ms', '15ms']), delta: choice.of([null, 2]) }) as const

/** Returns the operation of a step on this machine. */
export function operationOf(machine: Machine, step: Step): Operation {
  const choice = new Choice(step)
  const kind = choice.below(43)
  const processes = machine.processes.all()
  const partitions = [...partitionsWithin(machine.kernel.system)]
  const paths = [[], ...partitions.map(({ path }) => path.split('/part/').slice(1))]
  const names = () => (choice.chance(20) ? choice.of(partitionNames) : choice.of(paths))
  if (kind === 0 || processes.length < 2)
    return { do: 'create', names: names(), uid: choice.of([0, 0, 0, 1000]), priority: choice.of(priorities) }
  if (kind === 1) return { do: 'createThread', pid: pidOf(choice, machine), priority: choice.of(priorities) }
  if (kind === 2) return { do: 'move', pid: pidOf(choice, machine), names: names() }
  if (kind === 3) {
    const most = choice.of([null, null, 0, 2, 4, 8, 20_000, 100_000, 400_000])
    return { do: 'putPartition', names: choice.of(partitionNames), pools: { [choice.of(pools)]: most } }
  }
  if (kind === 4 && partitions.length > 0) return { do: 'removePartition', names: choice.of(partitionNames) }
  if (kind < 9) return { do: 'advance', ms: choice.of([0, 1, 3, 10, 25, 700]) }
  if (kind === 9 || kind === 12 || kind === 13) {
    const pid = choice.chance(2) ? null : pidOf(choice, machine)
    const per =
      pid === null ? choice.of([null, 'partition', 'process', 'thread'] as const) : choice.of([null, 'thread'] as const)
    const name = choice.of(['x', 'y'])
    const [limit, unit] = choice.of(watched)
    const definition = {
      per,
      ...(choice.chance(3) ? change(choice) : crossing(choice, unit)),
      ttl: choice.of([...often, '40ms']),
    }
    const where = per === 'process' || per === 'thread' ? choice.of([...often, onlyRoot]) : null
    return { do: 'putThreshold', pid, limit, name, definition: { ...definition, where } }
  }
  if (kind === 11 && choice.chance(4)) {
    const pid = pidOf(choice, machine)
    return { do: 'signal', pid, signal: signalFor(choice, machine.processes.find(pid)) }
  }
  if (kind === 11 && choice.chance(4)) {
    const [pid, rlimit] = [pidOf(choice, machine), choice.of(rlimitNames)]
    const soft = choice.below(30) * (rlimit === 'nofile' ? 20 : 4096)
    return { do: 'setRlimit', pid, rlimit, change: choice.chance(2) ? { soft } : { soft, hard: soft } }
  }
  if (kind === 10) {
    if (choice.chance(5))
      return { do: 'switch', limit: choice.of([null, 'channels', 'connections']), on: choice.chance(2) }
    const thresholds = [...machine.kernel.notifier.thresholds()].map(({ path }) => path)
    if (thresholds.length > 0 && choice.chance(3)) return { do: 'deleteThreshold', path: choice.of(thresholds) }
  }
  if (kind === 40 || kind === 41) {
    const states = choice.of<readonly TimeoutState[]>([
      ['SEND', 'MUTEX', 'JOIN'],
      ['SEND', 'REPLY'],
      ['CONDVAR', 'MUTEX', 'RECEIVE'],
      [],
    ])
    return {
      do: 'putTimeout',
      on: choice.chance(2) ? pidOf(choice, machine) : names(),
      states,
      afterMs: choice.of([1, 5, 30]),
    }
  }
  if (kind === 42) {
    const timeouts = [...machine.kernel.timers.timeouts()].map(({ path }) => path)
    if (timeouts.length > 0) return { do: 'deleteTimeout', path: choice.of(timeouts) }
  }
  const all = processes.flatMap(({ threads }) => [...threads.values()])
  const able = all.filter(({ blocker, isDead }) => blocker === null && !isDead)
  if (able.length === 0) return { do: 'advance', ms: choice.of([5, 20, 50]) }
  const thread = choice.of(choice.chance(40) ? all : able)
  return { do: 'call', pid: thread.parent.pid, tid: thread.tid, call: callBy(choice, thread, machine) }
}

const newcomer = (pid: number): Operation[] => [
  { do: 'create', names: pid === 3 ? ['a', 'b'] : [], uid: pid === 2 ? 1000 : 0, priority: 5 * pid },
  { do: 'createThread', pid, priority: 12 },
  { do: 'createThread', pid, priority: 30 - 5 * pid },
  { do: 'call', pid, tid: 1, call: { name: 'ChannelCreate', args: {} } },
  { do: 'call', pid, tid: 1, call: { name: 'SignalAction', args: { signal: 'SIGUSR1', action: 'handle' } } },
]

/** Denying thresholds that soon refuse a call. */
const denials: readonly (readonly [limit: LimitName, at: number, per: ThresholdDefinition['per']])[] = [
  ['channels', 2, 'process'],
  ['connections', 4, 'partition'],
  ['timers', 3, null],
  ['signals', 2, 'process'],
  ['fds', 4, 'process'],
  ['stack', 13_000, 'thread'],
  ['stack-size', 300_000, 'thread'],
  ['data-pages', 30, null],
]

/** Creates the initial objects of a run: processes that each have a channel and a connection to the next process. */
export const prologue: readonly Operation[] = [
  { do: 'putPartition', names: ['a', 'b'], pools: { connections: 6 } },
  ...[1, 2, 3].flatMap(newcomer),
  ...[1, 2, 3].map((pid): Operation => {
    const server = (pid % 3) + 1
    return { do: 'call', pid, tid: 1, call: { name: 'ConnectAttach', args: { pid: server, chid: 1 } } }
  }),
  { do: 'call', pid: 3, tid: 1, call: { name: 'setrlimit', args: { rlimit: 'as', soft: 2_000_000 } } },
  ...denials.map(([limit, at, per]): Operation => {
    return { do: 'putThreshold', pid: null, limit, name: 'deny', definition: { at, per, action: 'deny' } }
  }),
]

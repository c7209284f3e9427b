/** Signals: sent, masked, handled, waited for. */

import { assert, KernelError } from '../errno.ts'
import type { Machine } from '../machine.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import {
  type DefaultAction,
  type Disposition,
  noSignals,
  type PendingSignal,
  placeOfSignal,
  type Signal,
  type SignalSet,
  signalOf,
} from '../signals.ts'
import { type Progress, success, type Value } from './call.ts'
import { charge, needRoom } from './charging.ts'
import { endProcess } from './process.ts'
import { block, go, release, stop } from './scheduling.ts'

/** Waits that a handler ends. Of the others it changes nothing: they go on when it returns. */
const interruptible: ReadonlySet<string> = new Set([
  'SEND',
  'RECEIVE',
  'REPLY',
  'SEM',
  'NANOSLEEP',
  'SIGSUSPEND',
  'SIGWAITINFO',
])

/** @throws EINVAL */
function known(name: string): Signal {
  const signal = signalOf(name)
  if (signal === null) throw new KernelError('EINVAL', `there is no signal ${name}`)
  return signal
}

const setOf = (names: readonly string[]): SignalSet => new Set(names.map(known).sort((a, b) => a.number - b.number))

/**
 * SignalKill: sends a signal to a process or to one of its threads. To a process it goes to the first thread that waits
 * for it, else to the first that does not mask it; masked by all, it waits.
 * @param pid 0 is the caller's own process
 * @param tid 0 is any thread
 * @param signal its name; null only asks whether it could be sent
 * @param code @param value for the receiver
 * @throws ESRCH no such process or thread; EPERM another user's process, and the caller is not user 0; EAGAIN the receiver
 * has no room for it to wait; EINVAL no such signal
 */
export function signalKill(
  machine: Machine,
  { parent }: ModelThread,
  sending: { pid: number; tid?: number; signal: string | null; code?: number; value?: number },
): Progress {
  sendSignal(machine, parent, sending)
  return success
}

/** kill: SignalKill to a process. */
export function kill(
  machine: Machine,
  { parent }: ModelThread,
  { pid, signal }: { pid: number; signal: string | null },
): Progress {
  sendSignal(machine, parent, { pid, signal })
  return success
}

function sendSignal(
  machine: Machine,
  sender: ModelProcess,
  sending: { pid: number; tid?: number; signal: string | null; code?: number; value?: number },
): void {
  const { pid, tid = 0, signal: name, code = 0, value = 0 } = sending
  const signal = name === null ? null : known(name)
  const receiver = pid === 0 ? sender : machine.process(pid)
  const thread = tid === 0 ? null : (receiver.threads.get(tid) ?? null)
  if (tid !== 0 && (thread === null || thread.isDead))
    throw new KernelError('ESRCH', `process ${receiver.pid} has no thread ${tid}`)
  if (sender.uid !== 0 && sender.uid !== receiver.uid)
    throw new KernelError('EPERM', `process ${receiver.pid} belongs to user ${receiver.uid}`)
  if (signal !== null) deliver(machine, receiver, thread, { signal, code, value, from: sender.pid })
}

const dispositionOf = ({ dispositions }: ModelProcess, signal: Signal): Disposition =>
  signal.sure ? 'default' : (dispositions.get(signal) ?? 'default')

const isIgnored = (process: ModelProcess, signal: Signal): boolean => {
  const disposition = dispositionOf(process, signal)
  return disposition === 'ignore' || (disposition === 'default' && signal.action === 'ignore')
}

/** @throws EAGAIN where it would have to wait and there is no room; then nothing has happened */
export function deliver(
  machine: Machine,
  process: ModelProcess,
  thread: ModelThread | null,
  sent: PendingSignal,
): void {
  const { signal } = sent
  const waiting = firstOf(
    process,
    thread,
    ({ blocker }) => blocker?.state === 'SIGWAITINFO' && blocker.signals.has(signal),
  )
  if (waiting !== null) {
    release(machine, waiting, { value: infoOf(sent) })
    return
  }
  // Whoever stopped it, this goes on.
  if (signal.action === 'continue') continueProcess(machine, process)
  if (isIgnored(process, signal)) return
  const target = firstOf(process, thread, ({ mask }) => signal.sure || !mask.has(signal))
  if (target === null) enqueue(machine, process, thread, sent)
  else act(machine, target, sent)
}

function firstOf(
  process: ModelProcess,
  thread: ModelThread | null,
  fits: (thread: ModelThread) => boolean,
): ModelThread | null {
  if (thread !== null) return fits(thread) ? thread : null
  for (const one of process.threads.values()) if (!one.isDead && fits(one)) return one
  return null
}

/** It waits until somebody unmasks it or asks for it. */
function enqueue(machine: Machine, process: ModelProcess, thread: ModelThread | null, sent: PendingSignal): void {
  const list = thread === null ? process.pending : thread.pending
  if (!sent.signal.queues && list.some(({ signal }) => signal === sent.signal)) return
  needRoom(machine, { limit: 'signals', node: process, delta: 1 })
  const place = placeOfSignal(list, sent)
  if (thread === null) process.pending.splice(place, 0, sent)
  else thread.pending = list.toSpliced(place, 0, sent)
  charge(machine, process, 'signals', 1)
}

function take(machine: Machine, thread: ModelThread, from: 'thread' | 'process', sent: PendingSignal): void {
  const process = thread.parent
  if (from === 'process') process.pending.splice(process.pending.indexOf(sent), 1)
  else thread.pending = thread.pending.filter((other) => other !== sent)
  charge(machine, process, 'signals', -1)
}

/** It arrives: what the process has said, or else what is usual. */
function act(machine: Machine, thread: ModelThread, sent: PendingSignal): void {
  const process = thread.parent
  if (dispositionOf(process, sent.signal) === 'handle') interrupt(machine, thread)
  else actions[sent.signal.action](machine, process, sent.signal)
}

const actions: Readonly<Record<DefaultAction, (machine: Machine, process: ModelProcess, signal: Signal) => void>> = {
  terminate: (machine, process, { name }) => endProcess(machine, process, { code: null, signal: name }),
  ignore: () => {},
  stop: (machine, process) => stopProcess(machine, process),
  continue: () => {},
}

/** A handler runs, which the model takes no time for. */
function interrupt(machine: Machine, thread: ModelThread): void {
  const { blocker } = thread
  if (blocker === null || !interruptible.has(blocker.state)) return
  release(machine, thread, { errno: 'EINTR' })
  // Its former mask may let others through.
  deliverPending(machine, thread)
}

function stopProcess(machine: Machine, process: ModelProcess): void {
  if (process.stopped) return
  process.stopped = true
  // Who is blocked stays so, and is stopped when it would go on.
  for (const thread of process.threads.values()) if (!thread.isDead && thread.blocker === null) stop(machine, thread)
}

function continueProcess(machine: Machine, process: ModelProcess): void {
  if (!process.stopped) return
  process.stopped = false
  for (const thread of process.threads.values()) if (thread.blocker?.state === 'STOPPED') go(machine, thread)
}

/** The kernel raises it on a fault of the thread: it has no sender, waits for nobody, and what masks it is of no use. */
export function raiseFault(machine: Machine, thread: ModelThread, name: string): void {
  const signal = signalOf(name)
  assert(signal?.fault === true, `${name} is a signal of faults`)
  const process = thread.parent
  const masked = thread.mask.has(signal) || dispositionOf(process, signal) === 'ignore'
  if (masked) endProcess(machine, process, { code: null, signal: name })
  else act(machine, thread, { signal, code: 0, value: 0, from: null })
}

/** A thread ends: what waits for it alone is gone. */
export function dropPending(machine: Machine, thread: ModelThread): void {
  if (thread.pending.length === 0) return
  charge(machine, thread.parent, 'signals', -thread.pending.length)
  thread.pending = []
}

/**
 * SignalAction: says what the process does with a signal.
 * @param action default, ignore, or handle: a handler runs, and an interruptible wait returns EINTR
 * @throws EINVAL no such signal, or SIGKILL or SIGSTOP, which always do what they do
 */
export function signalAction(
  machine: Machine,
  { parent }: ModelThread,
  { signal: name, action }: { signal: string; action: Disposition },
): Progress {
  const signal = known(name)
  if (signal.sure) throw new KernelError('EINVAL', `${name} cannot be ignored or handled`)
  if (action === 'default') parent.dispositions.delete(signal)
  else parent.dispositions.set(signal, action)
  if (isIgnored(parent, signal)) forget(machine, parent, signal)
  return success
}

/** What waits is not wanted any more. */
function forget(machine: Machine, process: ModelProcess, signal: Signal): void {
  for (const sent of process.pending.filter((other) => other.signal === signal)) {
    process.pending.splice(process.pending.indexOf(sent), 1)
    charge(machine, process, 'signals', -1)
  }
  for (const thread of process.threads.values())
    for (const sent of thread.pending) if (sent.signal === signal) take(machine, thread, 'thread', sent)
}

/**
 * SignalProcmask: masks signals of the caller's thread. Those that waited and are masked no more arrive at once.
 * @param how block adds, unblock takes away, set replaces
 * @param signals names
 * @returns mask before, as names
 * @throws EINVAL no such signal
 */
export function signalProcmask(
  machine: Machine,
  thread: ModelThread,
  { how, signals: names }: { how: 'block' | 'unblock' | 'set'; signals: readonly string[] },
): Progress {
  const before = thread.mask
  const named = setOf(names)
  const after = how === 'set' ? named : how === 'block' ? before.union(named) : before.difference(named)
  thread.mask = withoutSure(after)
  deliverPending(machine, thread)
  return { mask: [...before].map(({ name }) => name) }
}

const withoutSure = (signals: ReadonlySet<Signal>): SignalSet => {
  const kept = [...signals].filter(({ sure }) => !sure).sort((a, b) => a.number - b.number)
  return kept.length === 0 ? noSignals : new Set(kept)
}

/** The first of those that wait and fit, its own before its process's. */
function firstPending(
  thread: ModelThread,
  fits: (signal: Signal) => boolean,
): { from: 'thread' | 'process'; sent: PendingSignal } | null {
  const own = thread.pending.find(({ signal }) => fits(signal))
  const common = thread.parent.pending.find(({ signal }) => fits(signal))
  if (own !== undefined && (common === undefined || own.signal.number <= common.signal.number))
    return { from: 'thread', sent: own }
  return common === undefined ? null : { from: 'process', sent: common }
}

function deliverPending(machine: Machine, thread: ModelThread): void {
  for (;;) {
    const next = thread.isDead ? null : firstPending(thread, (signal) => !thread.mask.has(signal))
    if (next === null) return
    take(machine, thread, next.from, next.sent)
    act(machine, thread, next.sent)
  }
}

const infoOf = ({ signal, code, value, from }: PendingSignal): Value => ({
  signal: signal.name,
  code,
  value,
  pid: from,
})

/**
 * SignalWaitinfo: takes a signal that waits, or waits in SIGWAITINFO for one. It need not be masked to be waited for.
 * @param signals names
 * @returns signal, code, value and pid of the sender
 * @throws EINVAL no such signal, or none; EINTR a handler of another signal ran; ETIMEDOUT after TimerTimeout
 */
export function signalWaitinfo(
  machine: Machine,
  thread: ModelThread,
  { signals: names }: { signals: readonly string[] },
): Progress {
  const signals = setOf(names)
  if (signals.size === 0) throw new KernelError('EINVAL', 'name at least one signal')
  const next = firstPending(thread, (signal) => signals.has(signal))
  if (next !== null) {
    take(machine, thread, next.from, next.sent)
    return infoOf(next.sent)
  }
  block(machine, thread, { state: 'SIGWAITINFO', signals })
  return 'blocked'
}

/**
 * SignalSuspend: masks just these signals and waits in SIGSUSPEND until a handler has run; then the former mask is back.
 * @param mask names
 * @throws EINTR a handler ran: it returns no other way; EINVAL no such signal; ETIMEDOUT after TimerTimeout
 */
export function signalSuspend(
  machine: Machine,
  thread: ModelThread,
  { mask: names }: { mask: readonly string[] },
): Progress {
  const mask = withoutSure(setOf(names))
  const formerMask = thread.mask
  thread.mask = mask
  block(machine, thread, { state: 'SIGSUSPEND', formerMask })
  deliverPending(machine, thread)
  return 'blocked'
}

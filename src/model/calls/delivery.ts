/** How signals arrive: at whom, when, and what they do there. */

import { assert } from '../../kernel/errno.ts'
import { refusersOf } from '../../kernel/limits/thresholds/deny.ts'
import type { Machine } from '../machine.ts'
import type { Blocker } from '../objects/blocker.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import {
  type DefaultAction,
  type Disposition,
  type PendingSignal,
  placeOfSignal,
  type Signal,
  signalOf,
} from '../signals.ts'
import type { Value } from './call.ts'
import { charge, hasRoom, needRoom } from './charging.ts'
import { endProcess } from './process.ts'
import { go, release, stop } from './scheduling.ts'

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

function dispositionOf({ dispositions }: ModelProcess, signal: Signal): Disposition {
  return signal.sure ? 'default' : (dispositions.get(signal) ?? 'default')
}

export function isIgnored(process: ModelProcess, signal: Signal): boolean {
  const disposition = dispositionOf(process, signal)
  return disposition === 'ignore' || (disposition === 'default' && signal.action === 'ignore')
}

export function infoOf({ signal, code, value, from }: PendingSignal): Value {
  return {
    signal: signal.name,
    code,
    value,
    pid: from,
  }
}

/**
 * A signal is sent to a process, or to one thread of it. Of a process the first thread that waits for it takes it, else it
 * arrives at the first that does not mask it; masked by all it waits, and so it does while the process is stopped.
 * @throws EAGAIN where it would have to wait and there is no room; then nothing has happened
 */
export function deliver(
  machine: Machine,
  process: ModelProcess,
  thread: ModelThread | null,
  sent: PendingSignal,
): void {
  const { signal } = sent
  // Whoever stopped it, and whatever becomes of the signal, this goes on.
  if (signal.action === 'continue') continueProcess(machine, process)
  if (process.living === 0) return
  if (signal.action === 'stop') forget(machine, process, ({ action }) => action === 'continue')
  const waiting = firstOf(process, thread, ({ blocker }) => awaits(blocker, signal))
  if (waiting !== null) {
    release(machine, waiting, { value: infoOf(sent) })
    return
  }
  if (isIgnored(process, signal) && !isKept(process, thread, signal)) return
  const arrives = signal.sure || !process.stopped
  const target = arrives ? firstOf(process, thread, ({ mask }) => !mask.has(signal)) : null
  if (target !== null) act(machine, target, sent)
  else enqueue(machine, process, thread, sent)
}

/** Masked by all who could take it, a signal that is only ignored by default waits: who masked it is about to ask for it. */
function isKept(process: ModelProcess, thread: ModelThread | null, signal: Signal): boolean {
  return (
    dispositionOf(process, signal) === 'default' && firstOf(process, thread, ({ mask }) => !mask.has(signal)) === null
  )
}

function awaits(blocker: Blocker | null, signal: Signal): boolean {
  return blocker?.state === 'SIGWAITINFO' && blocker.signals.has(signal)
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
  const { signal } = sent
  const list = thread === null ? process.pending : thread.pending
  if (!signal.queues && list.some((other) => other.signal === signal)) return
  const need = { limit: 'signals', node: process, delta: 1 } as const
  // What it is sent for has happened already: without room there is only no handler of it.
  if (signal.action === 'continue' && !hasRoom(machine, need)) return
  needRoom(machine, need)
  const place = placeOfSignal(list, sent)
  if (thread === null) process.pending.splice(place, 0, sent)
  else thread.pending = list.toSpliced(place, 0, sent)
  charge(machine, process, 'signals', 1)
}

/** Out of the list in which it waits. */
export function take(machine: Machine, thread: ModelThread, { from, sent }: WaitingSignal): void {
  const process = thread.parent
  if (from === 'process') process.pending.splice(process.pending.indexOf(sent), 1)
  else thread.pending = thread.pending.filter((other) => other !== sent)
  charge(machine, process, 'signals', -1)
}

/** It arrives: what the process has said, or else what is usual. */
function act(machine: Machine, thread: ModelThread, { signal }: PendingSignal): void {
  const process = thread.parent
  if (dispositionOf(process, signal) === 'handle') interrupt(machine, thread)
  else actions[signal.action](machine, process, signal)
}

const actions: Readonly<Record<DefaultAction, (machine: Machine, process: ModelProcess, signal: Signal) => void>> = {
  terminate: (machine, process, { name }) => endProcess(machine, process, { code: null, signal: name }),
  ignore: () => {},
  stop: (machine, process) => stopProcess(machine, process),
  continue: () => {},
}

/** A handler runs, which the model takes no time for. */
function interrupt(machine: Machine, thread: ModelThread): void {
  if (!fitsFrame(machine, thread)) {
    endProcess(machine, thread.parent, { code: null, signal: 'SIGSEGV' })
    return
  }
  const { blocker } = thread
  if (blocker === null || !interruptible.has(blocker.state)) return
  release(machine, thread, { errno: 'EINTR' })
  // Its former mask may let others through.
  deliverPending(machine, thread)
}

/** What is saved on the stack for a handler, and what it takes there itself while it runs. Bytes. */
export const handlerFrameBytes = 1024

/**
 * The frame of a handler is on the stack while that runs: thresholds see it come and go. What it passes is the
 * receiver's affair, and no threshold can deny it: whoever sent has succeeded by now. False where it does not fit.
 */
function fitsFrame(machine: Machine, thread: ModelThread): boolean {
  const need = { limit: 'stack', node: thread, delta: handlerFrameBytes } as const
  if (refusersOf(machine.kernel, need).some(({ threshold }) => threshold === null)) return false
  charge(machine, thread, 'stack', handlerFrameBytes)
  machine.kernel.settle()
  charge(machine, thread, 'stack', -handlerFrameBytes)
  return true
}

function stopProcess(machine: Machine, process: ModelProcess): void {
  if (process.stopped) return
  process.stopped = true
  // Who is blocked stays so, and is stopped when it would go on.
  for (const thread of process.threads.values()) if (!thread.isDead && thread.blocker === null) stop(machine, thread)
}

function continueProcess(machine: Machine, process: ModelProcess): void {
  forget(machine, process, ({ action }) => action === 'stop')
  if (!process.stopped) return
  process.stopped = false
  for (const thread of process.threads.values()) if (thread.blocker?.state === 'STOPPED') go(machine, thread)
  // What was sent meanwhile arrives now.
  for (const thread of [...process.threads.values()]) deliverPending(machine, thread)
}

/**
 * The kernel raises it on a fault of the thread: it has no sender, waits for nobody, and what masks it is of no use.
 * @param unheard what ends the process where it masks or ignores the signal
 */
export function raiseFault(machine: Machine, thread: ModelThread, name: string, unheard = name): void {
  const signal = signalOf(name)
  assert(signal?.fault === true, `${name} is a signal of faults`)
  const process = thread.parent
  const isUnheard = thread.mask.has(signal) || dispositionOf(process, signal) === 'ignore'
  if (isUnheard) endProcess(machine, process, { code: null, signal: unheard })
  else act(machine, thread, { signal, code: 0, value: 0, from: null })
}

/** A signal that waits, at the thread or at its process. */
export interface WaitingSignal {
  readonly from: 'thread' | 'process'
  readonly sent: PendingSignal
}

/** The first of those that wait and fit: of one number the thread's own before its process's. */
export function firstPending(thread: ModelThread, fits: (signal: Signal) => boolean): WaitingSignal | null {
  const own = thread.pending.find(({ signal }) => fits(signal))
  const common = thread.parent.pending.find(({ signal }) => fits(signal))
  if (own !== undefined && (common === undefined || own.signal.number <= common.signal.number))
    return { from: 'thread', sent: own }
  return common === undefined ? null : { from: 'process', sent: common }
}

/** What waits and is not masked arrives, one after the other. */
export function deliverPending(machine: Machine, thread: ModelThread): void {
  while (!thread.isDead && !thread.parent.stopped) {
    const next = firstPending(thread, (signal) => !thread.mask.has(signal))
    if (next === null) return
    take(machine, thread, next)
    act(machine, thread, next.sent)
  }
}

/** What waits is not wanted any more. */
export function forget(machine: Machine, process: ModelProcess, fits: (signal: Signal) => boolean): void {
  for (const sent of process.pending.filter(({ signal }) => fits(signal))) {
    process.pending.splice(process.pending.indexOf(sent), 1)
    charge(machine, process, 'signals', -1)
  }
  for (const thread of process.threads.values())
    for (const sent of thread.pending) if (fits(sent.signal)) take(machine, thread, { from: 'thread', sent })
}

/** A thread ends: what waits for it alone is gone. */
export function dropPending(machine: Machine, thread: ModelThread): void {
  if (thread.pending.length === 0) return
  charge(machine, thread.parent, 'signals', -thread.pending.length)
  thread.pending = []
}

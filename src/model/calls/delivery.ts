/**
 * Delivers signals: chooses the thread which takes one, the time, and what it does there. A signal can kill its
 * process. Then the functions here return how it ends, and the caller ends it: see `sending.ts` and `ending.ts`.
 */

import { assert } from '../../kernel/errno.ts'
import { refusersOf } from '../../kernel/limits/thresholds/deny.ts'
import type { MachineCore } from '../machine-core.ts'
import type { Blocker } from '../objects/blocker.ts'
import type { ModelProcess, ProcessEnd } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Disposition, type PendingSignal, placeOfSignal, type Signal, signalOf } from '../signals.ts'
import { charge, hasRoom, needRoom } from './charging.ts'
import { forget, infoOf, nextPending, take } from './pending-signals.ts'
import { resume, stop } from './scheduling.ts'
import { announce, wake } from './state-changes.ts'

/** Waits which a signal handler ends. Other waits continue when the handler returns. */
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

/**
 * Delivers a signal to a process, or to one thread of it. In a process, the first thread which waits for the signal
 * takes it, else the first thread which does not mask it. A signal which all threads mask is queued, and so is one
 * which arrives while the process is stopped.
 * @param thread null for the process
 * @returns how the process ends; null when the signal does not kill it
 * @throws KernelError EAGAIN when the signal must be queued and there is no room; then nothing has happened
 */
export function deliver(
  machine: MachineCore,
  process: ModelProcess,
  thread: ModelThread | null,
  sent: PendingSignal,
): ProcessEnd | null {
  const { signal } = sent
  // The process continues at once, even when the signal itself is masked or ignored.
  const end = signal.action === 'continue' ? continueProcess(machine, process) : null
  if (end !== null || process.living === 0) return end
  if (signal.action === 'stop') forget(machine, process, ({ action }) => action === 'continue')
  const waiting = firstOf(process, thread, ({ blocker }) => awaits(blocker, signal))
  if (waiting !== null) {
    wake(machine, waiting, { value: infoOf(sent) })
    return null
  }
  if (isIgnored(process, signal) && !waitsUnmasking(process, thread, signal)) return null
  const arrives = signal.sure || !process.stopped
  const target = arrives ? firstOf(process, thread, ({ mask }) => !mask.has(signal)) : null
  if (target !== null) return act(machine, target, sent)
  enqueue(machine, process, thread, sent)
  return null
}

/**
 * Whether an ignored signal is queued all the same: it is ignored only by default, and all threads which could take it
 * mask it. A program masks a signal because it is about to wait for it.
 */
function waitsUnmasking(process: ModelProcess, thread: ModelThread | null, signal: Signal): boolean {
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

/** Queues a signal until a thread unmasks it or takes it. */
function enqueue(machine: MachineCore, process: ModelProcess, thread: ModelThread | null, sent: PendingSignal): void {
  const { signal } = sent
  const list = thread === null ? process.pending : thread.pending
  if (!signal.queues && list.some((other) => other.signal === signal)) return
  const need = { limit: 'signals', node: process, delta: 1 } as const
  // The process has continued already. Without room only the handler of the signal does not run.
  if (signal.action === 'continue' && !hasRoom(machine, need)) return
  needRoom(machine, need)
  const place = placeOfSignal(list, sent)
  if (thread === null) process.pending.splice(place, 0, sent)
  else thread.pending = list.toSpliced(place, 0, sent)
  charge(machine, process, 'signals', 1)
}

/** Does what the process has set for the signal, or else the default action. */
function act(machine: MachineCore, thread: ModelThread, { signal }: PendingSignal): ProcessEnd | null {
  const process = thread.parent
  if (dispositionOf(process, signal) === 'handle') return interrupt(machine, thread)
  if (signal.action === 'terminate') return { code: null, signal: signal.name }
  if (signal.action === 'stop') stopProcess(machine, process)
  return null
}

/** Runs a handler, which takes no time in the model. */
function interrupt(machine: MachineCore, thread: ModelThread): ProcessEnd | null {
  if (!fitsFrame(machine, thread)) return { code: null, signal: 'SIGSEGV' }
  const { blocker } = thread
  if (blocker === null || !interruptible.has(blocker.state)) return null
  wake(machine, thread, { errno: 'EINTR' })
  // The former mask of the thread is back, and may let other signals through.
  return deliverPending(machine, thread)
}

/** Bytes of stack which a handler takes while it runs, with what the kernel saves there for it. */
export const handlerFrameBytes = 1024

/**
 * Puts the frame of a handler on the stack while that runs, so that thresholds see it come and go. Crossing a threshold
 * is the receiver's affair, and no threshold can deny it: the sender has succeeded by now.
 * @returns false when the frame does not fit
 */
function fitsFrame(machine: MachineCore, thread: ModelThread): boolean {
  const need = { limit: 'stack', node: thread, delta: handlerFrameBytes } as const
  if (refusersOf(machine.kernel, need).some(({ threshold }) => threshold === null)) return false
  charge(machine, thread, 'stack', handlerFrameBytes)
  machine.kernel.settle()
  charge(machine, thread, 'stack', -handlerFrameBytes)
  return true
}

function stopProcess(machine: MachineCore, process: ModelProcess): void {
  if (process.stopped) return
  process.stopped = true
  // A blocked thread stays blocked, and becomes STOPPED when its call returns.
  for (const thread of process.threads.values())
    if (!thread.isDead && thread.blocker === null) announce(machine, stop(machine, thread))
}

function continueProcess(machine: MachineCore, process: ModelProcess): ProcessEnd | null {
  forget(machine, process, ({ action }) => action === 'stop')
  if (!process.stopped) return null
  process.stopped = false
  for (const thread of process.threads.values())
    if (thread.blocker?.state === 'STOPPED') announce(machine, resume(machine, thread))
  // Signals which were sent meanwhile arrive now.
  for (const thread of [...process.threads.values()]) {
    const end = deliverPending(machine, thread)
    if (end !== null) return end
  }
  return null
}

/**
 * Raises the signal of a fault on a thread. It has no sender and is never queued, and masking it does not help.
 * @param fallback the signal which ends the process when it masks or ignores the first one
 * @returns how the process ends; null when it handles the signal
 */
export function deliverFault(
  machine: MachineCore,
  thread: ModelThread,
  { name, fallback }: { name: string; fallback: string },
): ProcessEnd | null {
  const signal = signalOf(name)
  assert(signal?.fault === true, `${name} is a signal of faults`)
  const isRefused = thread.mask.has(signal) || dispositionOf(thread.parent, signal) === 'ignore'
  if (isRefused) return { code: null, signal: fallback }
  return act(machine, thread, { signal, code: 0, value: 0, from: null })
}

/**
 * Delivers the queued signals which the thread does not mask, one after the other.
 * @returns how the process ends; null when none of them kills it
 */
export function deliverPending(machine: MachineCore, thread: ModelThread): ProcessEnd | null {
  while (!thread.isDead && !thread.parent.stopped) {
    const next = nextPending(thread, (signal) => !thread.mask.has(signal))
    if (next === null) return null
    take(machine, thread, next)
    const end = act(machine, thread, next.sent)
    if (end !== null) return end
  }
  return null
}

/** Signals: sent, masked, waited for. How they arrive is in `delivery.ts`. */

import { KernelError } from '../../kernel/errno.ts'
import type { Machine } from '../machine.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Disposition, noSignals, type Signal, type SignalSet, signalOf } from '../signals.ts'
import { type Progress, success } from './call.ts'
import { deliver, deliverPending, firstPending, forget, infoOf, isIgnored, take } from './delivery.ts'
import { block } from './scheduling.ts'

/** Shapes of calls let no other name through. @throws EINVAL */
function known(name: string): Signal {
  const signal = signalOf(name)
  if (signal === null) throw new KernelError('EINVAL', `there is no signal ${name}`)
  return signal
}

function setOf(names: readonly string[]): SignalSet {
  return new Set(names.map(known).sort((a, b) => a.number - b.number))
}

/**
 * SignalKill: sends a signal to a process or to one of its threads. Of a process the first thread that waits for it
 * takes it, else it arrives at the first that does not mask it; masked by all, or in a process that is stopped, it
 * waits. One that is ignored goes at once; by default ignored and masked by all, it waits too. SIGKILL, SIGSTOP and SIGCONT always get through. Does not block. QNX: SignalKill().
 * @param pid 0 is the caller's own process
 * @param tid 0 is any thread
 * @param signal its name; null only asks whether it could be sent
 * @param code an integer, for the receiver
 * @param value an integer, for the receiver
 * @throws ESRCH no such process or thread; EPERM another user's process, and the caller is not user 0; EAGAIN the
 * receiver has no room for it to wait: nothing is queued then
 */
export function signalKill(
  machine: Machine,
  { parent }: ModelThread,
  sending: { pid: number; tid?: number; signal: string | null; code?: number; value?: number },
): Progress {
  sendSignal(machine, parent, sending)
  return success
}

/**
 * kill: sends a signal to a process, as SignalKill does. Does not block. QNX: kill().
 * @param pid 0 is the caller's own process
 * @param signal its name; null only asks whether it could be sent
 * @throws ESRCH no such process; EPERM another user's process, and the caller is not user 0; EAGAIN the receiver has no
 * room for it to wait
 */
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

/**
 * SignalAction: says what the caller's process does with a signal. A handler takes 1,024 bytes of the stack of its thread
 * while it runs; where they do not fit the kernel ends the process with SIGSEGV. Does not block. QNX: SignalAction().
 * @param signal its name
 * @param action default, ignore, or handle: a handler runs, and ends an interruptible wait with EINTR
 * @throws EINVAL SIGKILL or SIGSTOP, which always do what they do
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
  if (isIgnored(parent, signal)) forget(machine, parent, (other) => other === signal)
  return success
}

/**
 * SignalProcmask: masks signals of the caller's thread. Those that waited and are masked no more arrive at once. Does
 * not block. QNX: SignalProcmask().
 * @param how block adds, unblock takes away, set replaces
 * @param signals names; SIGKILL and SIGSTOP are left out
 * @returns mask before, as names
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

function withoutSure(signals: ReadonlySet<Signal>): SignalSet {
  const kept = [...signals].filter(({ sure }) => !sure).sort((a, b) => a.number - b.number)
  return kept.length === 0 ? noSignals : new Set(kept)
}

/**
 * SignalWaitinfo: takes a signal that waits, the lowest number first. It need not be masked to be waited for. Blocks in
 * SIGWAITINFO where none waits. QNX: SignalWaitinfo().
 * @param signals names; SIGKILL and SIGSTOP are left out
 * @returns signal, code, value and pid of the sender (null for the kernel)
 * @throws EINVAL none of them can be waited for; EINTR a handler of another signal ran; ETIMEDOUT after TimerTimeout
 */
export function signalWaitinfo(
  machine: Machine,
  thread: ModelThread,
  { signals: names }: { signals: readonly string[] },
): Progress {
  const signals = withoutSure(setOf(names))
  if (signals.size === 0) throw new KernelError('EINVAL', 'name at least one signal, not SIGKILL or SIGSTOP')
  const next = firstPending(thread, (signal) => signals.has(signal))
  if (next !== null) {
    take(machine, thread, next)
    return infoOf(next.sent)
  }
  block(machine, thread, { state: 'SIGWAITINFO', signals })
  return 'blocked'
}

/**
 * SignalSuspend: masks just these signals until a handler has run; then the former mask is back. Blocks in SIGSUSPEND
 * until then. QNX: SignalSuspend().
 * @param mask names; SIGKILL and SIGSTOP are left out
 * @throws EINTR a handler ran: it returns no other way; ETIMEDOUT after TimerTimeout
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

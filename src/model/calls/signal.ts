/**
 * Implements the calls which send signals, choose what a process does with them, mask them, and wait for them.
 * `delivery.ts` delivers them.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Disposition, noSignals, type Signal, type SignalSet, signalOf } from '../signals.ts'
import { type Progress, success } from './call.ts'
import { isIgnored } from './delivery.ts'
import { forget, infoOf, nextPending, take } from './pending-signals.ts'
import { sendPending, sendSignal } from './sending.ts'
import { wait } from './waits.ts'

/** @throws KernelError EINVAL when there is no signal of that name; schemas of calls let no such name through */
function signalNamed(name: string): Signal {
  const signal = signalOf(name)
  if (signal === null) throw new KernelError('EINVAL', `there is no signal ${name}`)
  return signal
}

function setOf(names: readonly string[]): SignalSet {
  return new Set(names.map(signalNamed).sort((a, b) => a.number - b.number))
}

/**
 * SignalKill: sends a signal to a process or to one of its threads. In a process, the first thread that waits for the
 * signal takes it, else the first thread that does not mask it. A signal that all threads mask is queued, and so is one
 * that arrives while the process is stopped. An ignored signal is dropped, but one that is ignored only by default and
 * masked by all threads is queued. SIGKILL, SIGSTOP and SIGCONT always arrive. Does not block. QNX: SignalKill().
 * @param pid 0 is the caller's own process
 * @param tid 0 is any thread
 * @param signal its name; null only checks whether one could be sent
 * @param code an integer, for the receiver
 * @param value an integer, for the receiver
 * @throws ESRCH no such process or thread; EPERM another user's process, and the caller is not user 0; EAGAIN the
 * receiver has no room to queue it; then nothing has happened
 */
export function signalKill(
  machine: MachineCore,
  { parent }: ModelThread,
  sending: { pid: number; tid?: number; signal: string | null; code?: number; value?: number },
): Progress {
  checkAndSend(machine, parent, sending)
  return success
}

/**
 * kill: sends a signal to a process, as SignalKill does. Does not block. QNX: kill().
 * @param pid 0 is the caller's own process
 * @param signal its name; null only checks whether one could be sent
 * @throws ESRCH no such process; EPERM another user's process, and the caller is not user 0; EAGAIN the receiver has no
 * room to queue it
 */
export function kill(
  machine: MachineCore,
  { parent }: ModelThread,
  { pid, signal }: { pid: number; signal: string | null },
): Progress {
  checkAndSend(machine, parent, { pid, signal })
  return success
}

function checkAndSend(
  machine: MachineCore,
  sender: ModelProcess,
  sending: { pid: number; tid?: number; signal: string | null; code?: number; value?: number },
): void {
  const { pid, tid = 0, signal: name, code = 0, value = 0 } = sending
  const signal = name === null ? null : signalNamed(name)
  const receiver = pid === 0 ? sender : machine.processes.get(pid)
  const thread = tid === 0 ? null : (receiver.threads.get(tid) ?? null)
  if (tid !== 0 && (thread === null || thread.isDead))
    throw new KernelError('ESRCH', `process ${receiver.pid} has no thread ${tid}`)
  if (sender.uid !== 0 && sender.uid !== receiver.uid)
    throw new KernelError('EPERM', `process ${receiver.pid} belongs to user ${receiver.uid}`)
  if (signal !== null) sendSignal(machine, receiver, thread, { signal, code, value, from: sender.pid })
}

/**
 * SignalAction: sets what the caller's process does with a signal. A handler takes 1,024 bytes of the stack of its
 * thread while it runs. When they do not fit, the kernel ends the process with SIGSEGV. Does not block. QNX:
 * SignalAction().
 * @param signal its name
 * @param action default, ignore, or handle: a handler runs, and ends an interruptible wait with EINTR
 * @throws EINVAL SIGKILL or SIGSTOP, whose action cannot be changed
 */
export function signalAction(
  machine: MachineCore,
  { parent }: ModelThread,
  { signal: name, action }: { signal: string; action: Disposition },
): Progress {
  const signal = signalNamed(name)
  if (signal.sure) throw new KernelError('EINVAL', `${name} cannot be ignored or handled`)
  if (action === 'default') parent.dispositions.delete(signal)
  else parent.dispositions.set(signal, action)
  if (isIgnored(parent, signal)) forget(machine, parent, (other) => other === signal)
  return success
}

/**
 * SignalProcmask: masks signals of the caller's thread. Queued signals that are not masked any more arrive at once.
 * Does not block. QNX: SignalProcmask().
 * @param how block adds, unblock takes away, set replaces
 * @param signals names; SIGKILL and SIGSTOP are left out
 * @returns mask as it was before, as names
 */
export function signalProcmask(
  machine: MachineCore,
  thread: ModelThread,
  { how, signals: names }: { how: 'block' | 'unblock' | 'set'; signals: readonly string[] },
): Progress {
  const before = thread.mask
  const named = setOf(names)
  const after = how === 'set' ? named : how === 'block' ? before.union(named) : before.difference(named)
  thread.mask = withoutSure(after)
  sendPending(machine, thread)
  return { mask: [...before].map(({ name }) => name) }
}

function withoutSure(signals: ReadonlySet<Signal>): SignalSet {
  const maskable = [...signals].filter(({ sure }) => !sure).sort((a, b) => a.number - b.number)
  return maskable.length === 0 ? noSignals : new Set(maskable)
}

/**
 * SignalWaitinfo: takes a queued signal, the lowest number first. It need not be masked to be waited for. Blocks in
 * SIGWAITINFO while none is queued. QNX: SignalWaitinfo().
 * @param signals names; SIGKILL and SIGSTOP are left out
 * @returns signal, code, value and pid of the sender (null for the kernel)
 * @throws EINVAL none of them can be waited for; EINTR a handler of another signal ran; ETIMEDOUT after TimerTimeout
 */
export function signalWaitinfo(
  machine: MachineCore,
  thread: ModelThread,
  { signals: names }: { signals: readonly string[] },
): Progress {
  const signals = withoutSure(setOf(names))
  if (signals.size === 0) throw new KernelError('EINVAL', 'name at least one signal, not SIGKILL or SIGSTOP')
  const next = nextPending(thread, (signal) => signals.has(signal))
  if (next !== null) {
    take(machine, thread, next)
    return infoOf(next.sent)
  }
  return wait(machine, thread, { state: 'SIGWAITINFO', signals })
}

/**
 * SignalSuspend: masks just these signals until a handler has run, and then restores the former mask. Blocks in
 * SIGSUSPEND until then. QNX: SignalSuspend().
 * @param mask names; SIGKILL and SIGSTOP are left out
 * @throws EINTR a handler has run: the normal end of this call, as in POSIX; ETIMEDOUT after TimerTimeout
 */
export function signalSuspend(
  machine: MachineCore,
  thread: ModelThread,
  { mask: names }: { mask: readonly string[] },
): Progress {
  const mask = withoutSure(setOf(names))
  const formerMask = thread.mask
  thread.mask = mask
  wait(machine, thread, { state: 'SIGSUSPEND', formerMask })
  sendPending(machine, thread)
  return 'blocked'
}

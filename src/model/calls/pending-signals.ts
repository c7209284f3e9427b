/** Finds, takes and drops the queued signals of processes and threads. */

import type { MachineCore } from '../machine-core.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import type { PendingSignal, Signal } from '../signals.ts'
import type { Value } from './call.ts'
import { charge } from './charging.ts'

/** A queued signal, with the queue in which it waits. */
export interface QueuedSignal {
  readonly from: 'thread' | 'process'
  readonly sent: PendingSignal
}

/** A signal as SignalWaitinfo returns it. */
export function infoOf({ signal, code, value, from }: PendingSignal): Value {
  return { signal: signal.name, code, value, pid: from }
}

/** The first queued signal which fits. Of one number, the thread's own signal comes before that of its process. */
export function nextPending(thread: ModelThread, fits: (signal: Signal) => boolean): QueuedSignal | null {
  const own = thread.pending.find(({ signal }) => fits(signal))
  const common = thread.parent.pending.find(({ signal }) => fits(signal))
  if (own !== undefined && (common === undefined || own.signal.number <= common.signal.number))
    return { from: 'thread', sent: own }
  return common === undefined ? null : { from: 'process', sent: common }
}

/** Takes a signal out of the queue in which it waits. */
export function take(machine: MachineCore, thread: ModelThread, { from, sent }: QueuedSignal): void {
  const process = thread.parent
  if (from === 'process') process.pending.splice(process.pending.indexOf(sent), 1)
  else thread.pending = thread.pending.filter((other) => other !== sent)
  charge(machine, process, 'signals', -1)
}

/** Drops the queued signals which fit, of the process and of all its threads. */
export function forget(machine: MachineCore, process: ModelProcess, fits: (signal: Signal) => boolean): void {
  for (const sent of process.pending.filter(({ signal }) => fits(signal))) {
    process.pending.splice(process.pending.indexOf(sent), 1)
    charge(machine, process, 'signals', -1)
  }
  for (const thread of process.threads.values())
    for (const sent of thread.pending) if (fits(sent.signal)) take(machine, thread, { from: 'thread', sent })
}

/** Drops all signals which are queued for a thread alone, because it ends. */
export function dropPending(machine: MachineCore, thread: ModelThread): void {
  if (thread.pending.length === 0) return
  charge(machine, thread.parent, 'signals', -thread.pending.length)
  thread.pending = []
}

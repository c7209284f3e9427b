/** Sends signals, and ends the process when one of them kills it. */

import type { MachineCore } from '../machine-core.ts'
import type { ModelProcess, ProcessEnd } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import type { PendingSignal } from '../signals.ts'
import { deliver, deliverFault, deliverPending } from './delivery.ts'
import { endProcess } from './ending.ts'

function endWith(machine: MachineCore, process: ModelProcess, end: ProcessEnd | null): void {
  if (end !== null) endProcess(machine, process, end)
}

/**
 * Sends a signal to a process, or to one thread of it.
 * @param thread null for the process
 * @throws KernelError EAGAIN when the signal must be queued and there is no room; then nothing has happened
 */
export function sendSignal(
  machine: MachineCore,
  process: ModelProcess,
  thread: ModelThread | null,
  sent: PendingSignal,
): void {
  endWith(machine, process, deliver(machine, process, thread, sent))
}

/**
 * Raises the signal of a fault on a thread.
 * @param fallback the signal which ends the process when it masks or ignores the first one
 */
export function raiseFault(machine: MachineCore, thread: ModelThread, name: string, fallback = name): void {
  endWith(machine, thread.parent, deliverFault(machine, thread, { name, fallback }))
}

/** Delivers the queued signals which the thread does not mask any more. */
export function sendPending(machine: MachineCore, thread: ModelThread): void {
  endWith(machine, thread.parent, deliverPending(machine, thread))
}

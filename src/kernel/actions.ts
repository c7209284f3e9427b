/** What is done to processes from outside: by operators, and by thresholds that trip. */

import { type Errno, KernelError } from './errno.ts'
import type { Process } from './nodes/process.ts'
import type { Thread } from './nodes/thread.ts'

/** What a source can do. Each is one step of a change. */
export interface Actions {
  /** @throws KernelError ESRCH it has ended, EINVAL no such signal, EPERM it may not be sent, EAGAIN no room for it */
  signal(target: Process | Thread, name: string): void
  /** @throws KernelError ESRCH, EINVAL, EPERM, ENOTSUP no such rlimit there */
  setRlimit(process: Process, name: string, change: RlimitChange): void
}

/** What is left out stays. Infinity is unlimited. */
export interface RlimitChange {
  readonly soft?: number
  readonly hard?: number
}

export interface Refusal {
  readonly errno: Errno
  readonly reason: string
}

/** What of all this a source offers. */
export interface ActionAbilities {
  readonly signals: readonly SignalEntry[]
  /** Why thresholds cannot deny there; null where they can. */
  readonly noDenying: Refusal | null
  /** Why nothing may be done to processes there; null where it may. */
  readonly noActing: Refusal | null
}

export interface SignalEntry {
  readonly number: number
  readonly name: string
  /** A sender is told EAGAIN where it would pass a limit of the receiver, and nothing is queued. */
  readonly refusable: boolean
  /** Why it is not; null where it is. */
  readonly why: string | null
}

export function refuse({ errno, reason }: Refusal): never {
  throw new KernelError(errno, reason)
}

const nothing: Refusal = { errno: 'ENOTSUP', reason: 'this source only observes' }
export const noActions: ActionAbilities = { signals: [], noDenying: nothing, noActing: nothing }

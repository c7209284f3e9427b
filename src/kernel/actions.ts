/**
 * Defines the types of the actions on processes from outside: signals and rlimits, by operators and by thresholds that
 * trip.
 */

import { type Errno, KernelError } from './errno.ts'
import type { Process } from './nodes/process.ts'
import type { Thread } from './nodes/thread.ts'

/** The actions that a source implements. Each is one step of a change. */
export interface Actions {
  /** @throws KernelError ESRCH it has ended, EINVAL no such signal, EPERM it may not be sent, EAGAIN no room for it */
  signal(target: Process | Thread, name: string): void
  /** @throws KernelError ESRCH, EINVAL, EPERM, ENOTSUP no such rlimit there */
  setRlimit(process: Process, name: string, change: RlimitChange): void
}

/** Infinity is unlimited. A bigint is a number of 2^53 or more. */
export type RlimitAmount = number | bigint

/** A field that is left out stays as it is. */
export interface RlimitChange {
  readonly soft?: RlimitAmount
  readonly hard?: RlimitAmount
}

export interface Refusal {
  readonly errno: Errno
  readonly reason: string
}

/** The actions that a source offers. */
export interface ActionAbilities {
  readonly signals: readonly SignalEntry[]
  /** The reason why thresholds cannot deny there; null if they can. */
  readonly noDenying: Refusal | null
  /** The reason why no action is allowed there; null if actions are allowed. */
  readonly noActing: Refusal | null
}

export interface SignalEntry {
  readonly number: number
  readonly name: string
  /** A signal that would pass a limit of the receiver fails for the sender with EAGAIN, and is not queued. */
  readonly refusable: boolean
  /** The reason why it is not refusable; null if it is. */
  readonly why: string | null
}

export function refuse({ errno, reason }: Refusal): never {
  throw new KernelError(errno, reason)
}

const nothing: Refusal = { errno: 'ENOTSUP', reason: 'this source only observes' }
export const noActions: ActionAbilities = { signals: [], noDenying: nothing, noActing: nothing }

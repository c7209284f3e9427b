/**
 * Defines mutexes, condition variables and semaphores. A name is local to its process, except that names which begin
 * with / are shared by all.
 */

import type { Lock } from '../../kernel/nodes/wait.ts'
import type { ModelProcess } from './model-process.ts'
import type { ModelThread } from './model-thread.ts'
import { WaitQueue } from './wait-queue.ts'

export const mutexKinds = ['plain', 'recursive', 'error-checking'] as const
export type MutexKind = (typeof mutexKinds)[number]

abstract class SyncObject {
  readonly name: string
  /** Null when it is shared. */
  readonly process: ModelProcess | null
  readonly waiters = new WaitQueue()

  constructor(name: string, process: ModelProcess | null) {
    this.name = name
    this.process = process
  }
}

export class Mutex extends SyncObject implements Lock {
  readonly type = 'mutex'
  readonly kind: MutexKind
  /** A thread which has ended without unlocking still owns it. */
  owner: ModelThread | null = null
  /** Number of times which the owner has locked it. */
  count = 0
  /** Number of threads which wait for a condition and will take it again. */
  awaited = 0
  waitNode = 0

  constructor(name: string, process: ModelProcess | null, kind: MutexKind) {
    super(name, process)
    this.kind = kind
  }

  get isAbandoned(): boolean {
    return this.owner?.isDead === true
  }
}

export class Condvar extends SyncObject {
  readonly type = 'condvar'
}

export const semaphoreMax = 2 ** 31 - 1

export class Semaphore extends SyncObject {
  readonly type = 'semaphore'
  value: number

  constructor(name: string, process: ModelProcess | null, value: number) {
    super(name, process)
    this.value = value
  }
}

export type Sync = Mutex | Condvar | Semaphore
export type SyncType = Sync['type']

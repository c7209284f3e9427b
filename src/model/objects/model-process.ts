/** Represents a process of the model, with the objects which it has created by kernel calls. */

import type { RlimitName } from '../../kernel/limits/rlimits.ts'
import { Process, type ProcessBirth, type Rlimit } from '../../kernel/nodes/process.ts'
import type { Disposition, PendingSignal, Signal } from '../signals.ts'
import type { Channel, Connection, Message } from './channel.ts'
import { IdPool } from './id-pool.ts'
import type { ModelThread } from './model-thread.ts'
import type { Sync } from './sync.ts'
import type { KernelTimer } from './timer.ts'

export interface OpenFile {
  readonly path: string
  readonly writable: boolean
  /** Bytes. */
  size: number
}

/** The end of a process: its exit code, or the signal which has killed it. The other is null. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: string | null
}

/** A child which has ended and which its parent has not waited for. It has nothing but its pid. */
export interface Zombie extends ProcessEnd {
  readonly pid: number
}

export class ModelProcess extends Process {
  declare readonly threads: Map<number, ModelThread>
  declare uid: number
  declare parentProcess: ModelProcess | null
  declare rlimits: Readonly<Record<RlimitName, Rlimit>>
  readonly channels = new Map<number, Channel>()
  readonly connections = new Map<number, Connection>()
  /** Messages which its threads have received and nobody has replied to yet, by rcvid. */
  readonly received = new Map<number, Message>()
  readonly syncs = new Map<string, Sync>()
  readonly timers = new Map<number, KernelTimer>()
  readonly files = new Map<number, OpenFile>()
  readonly zombies = new Map<number, Zombie>()
  readonly dispositions = new Map<Signal, Disposition>()
  readonly pending: PendingSignal[] = []
  /** Pages of all mappings. */
  dataPages = 0
  /** Pages of these which are locked in memory. */
  lockedPages = 0
  /** Bytes of resident memory. */
  resident = 0
  stopped = false
  /** Number of threads which have not ended. */
  living = 0
  /** CPU time has passed the soft rlimit, and SIGXCPU was raised. */
  overCpu = false
  readonly ids: Readonly<Record<IdKind, IdPool>>

  constructor(
    birth: ProcessBirth & { readonly uid: number; readonly parentProcess: ModelProcess | null },
    rlimits: Readonly<Record<RlimitName, Rlimit>>,
    ids: Readonly<Record<IdKind, IdPool>> = freshIds(),
  ) {
    super(birth)
    this.rlimits = rlimits
    this.ids = ids
  }
}

export const idKinds = ['tid', 'chid', 'coid', 'scoid', 'rcvid', 'timerid', 'fd'] as const
export type IdKind = (typeof idKinds)[number]

/** New id pools. Descriptors begin at 0, other ids at 1. */
function freshIds(): Record<IdKind, IdPool> {
  return {
    tid: IdPool.from(1),
    chid: IdPool.from(1),
    coid: IdPool.from(1),
    scoid: IdPool.from(1),
    rcvid: IdPool.from(1),
    timerid: IdPool.from(1),
    fd: IdPool.from(0),
  }
}

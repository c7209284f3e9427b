import { Node } from './node.ts'
import type { Partition } from './partition.ts'
import type { System } from './system.ts'
import type { Thread } from './thread.ts'

/** A POSIX soft and hard limit; Infinity is unlimited. */
export interface Rlimit {
  readonly soft: number
  readonly hard: number
}

export interface ProcessBirth {
  readonly pid: number
  /** Opaque; no two processes ever share one, whatever becomes of the pid. */
  readonly identity: string
  /** ms of Unix time. */
  readonly started: number
  readonly name: string
  /** Null where it is not known, or there is none. */
  readonly parentProcess: Process | null
  readonly executable: string | null
  readonly uid: number | null
  readonly container: Partition | System
}

export class Process extends Node<'process'> {
  readonly pid: number
  readonly identity: string
  readonly started: number
  name: string
  parentProcess: Process | null
  executable: string | null
  uid: number | null
  container: Partition | System
  rlimits: Readonly<Record<string, Rlimit>> | null = null
  readonly threads = new Map<number, Thread>()
  /** Those that live. */
  readonly children = new Set<Process>()
  /** Of its threads too. */
  confirmedAt = 0
  /** Its place in the wait-for graph; 0 while it has none. */
  waitNode = 0

  constructor(birth: ProcessBirth) {
    super()
    this.pid = birth.pid
    this.identity = birth.identity
    this.started = birth.started
    this.name = birth.name
    this.parentProcess = birth.parentProcess
    this.executable = birth.executable
    this.uid = birth.uid
    this.container = birth.container
  }

  get level(): 'process' {
    return 'process'
  }

  get path(): string {
    return `/sys/proc/${this.pid}`
  }

  get parent(): Partition | System {
    return this.container
  }

  get partition(): Partition | null {
    return this.container.level === 'partition' ? this.container : null
  }
}

/** Represents a process: its identity, its threads and children, and the partition that it is in. */

import { Node } from './node.ts'
import type { Partition } from './partition.ts'
import type { System } from './system.ts'
import type { Thread } from './thread.ts'

/** A POSIX soft and hard limit; Infinity is unlimited. */
export interface Rlimit {
  readonly soft: number
  readonly hard: number
  /** Both in decimal digits, or `unlimited`, if one of them is too large for a number to be exact. */
  readonly exact?: { readonly soft: string; readonly hard: string }
}

export interface ProcessBirth {
  readonly pid: number
  /** Opaque. No two processes ever share one, even if they have the same pid one after the other. */
  readonly identity: string
  /** ms of Unix time. */
  readonly started: number
  readonly name: string
  /** Null if it has none, or if it is not known. */
  readonly parentProcess: Process | null
  readonly executable: string | null
  readonly uid: number | null
  readonly container: Partition | System
  readonly kernelThread?: boolean
}

export class Process extends Node<'process'> {
  readonly pid: number
  readonly identity: string
  readonly started: number
  name: string
  parentProcess: Process | null
  executable: string | null
  uid: number | null
  /** Arguments with a blank between them, cut at a bound; null while the source does not read it. */
  cmdline: string | null = null
  container: Partition | System
  /** A thread of the Linux kernel itself. It ceases to be one if it executes a program. */
  kernelThread: boolean
  rlimits: Readonly<Record<string, Rlimit>> | null = null
  readonly threads = new Map<number, Thread>()
  /** Children that have not ended. */
  readonly children = new Set<Process>()
  /** Holds for its threads as well. */
  confirmedAt = 0
  /** Its index in the wait-for graph; 0 while it has none. */
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
    this.kernelThread = birth.kernelThread ?? false
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

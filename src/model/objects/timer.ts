/** Whatever expires: timers that programs make, and the ends of waits. */

import type { ThreadState } from '../../kernel/states.ts'
import { WheelTimer } from '../../kernel/time/timer-wheel.ts'
import type { Signal } from '../signals.ts'
import type { Connection } from './channel.ts'
import type { ModelProcess } from './model-process.ts'
import type { ModelThread } from './model-thread.ts'

/** What a timer does when it expires. A connection that was detached is as good as none. */
export type TimerNotice =
  | { readonly kind: 'pulse'; readonly connection: Connection | null; readonly code: number; readonly value: number }
  | { readonly kind: 'signal'; readonly signal: Signal; readonly code: number; readonly value: number }

/** Made by TimerCreate. */
export class KernelTimer extends WheelTimer {
  readonly purpose = 'timer'
  readonly timerid: number
  readonly process: ModelProcess
  readonly notice: TimerNotice
  /** ms; 0 is once. */
  intervalMs = 0
  /** Expiries that could not be told, because no entry was free. */
  overruns = 0

  constructor(parts: { timerid: number; process: ModelProcess; notice: TimerNotice }) {
    super()
    this.timerid = parts.timerid
    this.process = parts.process
    this.notice = parts.notice
  }
}

/** Set by TimerTimeout for the next call alone. */
export class ThreadTimeout extends WheelTimer {
  readonly purpose = 'timeout'
  readonly thread: ModelThread
  readonly states: ReadonlySet<ThreadState>
  /** ms of the kernel's clock. */
  readonly due: number

  constructor(parts: { thread: ModelThread; states: ReadonlySet<ThreadState>; due: number }) {
    super()
    this.thread = parts.thread
    this.states = parts.states
    this.due = parts.due
  }
}

/** The end of a sleep. */
export class Sleep extends WheelTimer {
  readonly purpose = 'sleep'
  readonly thread: ModelThread

  constructor(thread: ModelThread) {
    super()
    this.thread = thread
  }
}

/** CPU time that leaves the window of the last second. */
export class CpuExpiry extends WheelTimer {
  readonly purpose = 'cpu'
  readonly thread: ModelThread
  /** µs. */
  readonly us: number

  constructor(thread: ModelThread, us: number) {
    super()
    this.thread = thread
    this.us = us
  }
}

export type ModelTimer = KernelTimer | ThreadTimeout | Sleep | CpuExpiry

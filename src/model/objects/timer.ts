/** Defines the timers of the model: those which programs create, ends of waits, and expiries of CPU time. */

import type { ThreadState } from '../../kernel/states.ts'
import { WheelTimer } from '../../kernel/time/timer-wheel.ts'
import type { Signal } from '../signals.ts'
import type { Connection } from './channel.ts'
import type { ModelProcess } from './model-process.ts'
import type { ModelThread } from './model-thread.ts'

/** The pulse or signal which a timer sends when it expires. Nothing is sent on a detached connection, nor on null. */
export type TimerNotice =
  | { readonly kind: 'pulse'; readonly connection: Connection | null; readonly code: number; readonly value: number }
  | { readonly kind: 'signal'; readonly signal: Signal; readonly code: number; readonly value: number }

/** A timer made by TimerCreate. */
export class KernelTimer extends WheelTimer {
  readonly purpose = 'timer'
  readonly timerid: number
  readonly process: ModelProcess
  readonly notice: TimerNotice
  /** ms between expiries; 0 when it expires once. */
  intervalMs = 0
  /** Expiries whose pulse or signal found no room. */
  overruns = 0

  constructor(parts: { timerid: number; process: ModelProcess; notice: TimerNotice }) {
    super()
    this.timerid = parts.timerid
    this.process = parts.process
    this.notice = parts.notice
  }
}

/** The timeout which TimerTimeout sets for the next call. */
export class ThreadTimeout extends WheelTimer {
  readonly purpose = 'timeout'
  readonly thread: ModelThread
  readonly states: ReadonlySet<ThreadState>
  /** End of the wait, in ms of the kernel's clock. */
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

/** The moment when some CPU time leaves the window of the last second. */
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

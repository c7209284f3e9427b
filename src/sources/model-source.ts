/**
 * Runs the model as a source. Nothing is sampled: usage is counted as it changes. Its clock is virtual or follows the
 * wall clock.
 */

import { bounds } from '../base/bounds.ts'
import type { Machine } from '../model/machine.ts'
import type { ScanFigures, Source, SourceCheck } from './source.ts'

export interface ModelOptions {
  readonly clock: 'virtual' | 'real'
  /** ms of Unix time. */
  readonly now: () => number
  /** Runs on the machine before clients can call it. */
  readonly begin?: () => void
}

// setTimeout accepts no longer delay.
const sleepMsMax = 2 ** 31 - 1

export class ModelSource implements Source {
  readonly name = 'model'
  #machine: Machine
  readonly clock: 'virtual' | 'real'
  readonly #now: () => number
  readonly #begin: () => void
  #timer: NodeJS.Timeout | null = null
  #stopped = false

  constructor(machine: Machine, { clock, now, begin = () => {} }: ModelOptions) {
    this.#machine = machine
    this.clock = clock
    this.#now = now
    this.#begin = begin
  }

  get machine(): Machine {
    return this.#machine
  }

  /** Replaces the machine. Listeners of the former kernel listen to the new one. */
  replace(machine: Machine): void {
    const { kernel: former } = this.#machine
    const { kernel } = machine
    kernel.takePlaceOf(former)
    this.#machine = machine
    const data = { before: new Date(former.now).toISOString() }
    kernel.emit('state.replaced', { subject: kernel.system.path, about: [], data })
    this.#sleep()
  }

  async start(): Promise<void> {
    this.#begin()
    this.#sleep()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /**
   * Called before each request of a client: everything due by now happens first. If the wall clock was set back, the
   * machine's clock stands still until the wall clock has passed it. If too much was due, the machine's clock lags and
   * catches up in the next turns of the event loop.
   */
  catchUp(): void {
    if (this.clock === 'virtual') return
    const { kernel } = this.machine
    const to = Math.max(kernel.now, Math.trunc(this.#now()))
    this.machine.advance(to, { expiriesMax: bounds.expiriesPerAdvanceMax })
    setImmediate(() => this.#sleep())
  }

  /** Sets a timer for the machine's next timeout. */
  #sleep(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const next = this.clock === 'real' && !this.#stopped ? this.machine.nextAt() : null
    if (next === null) return
    const delay = Math.min(Math.max(0, next - this.#now()), sleepMsMax)
    this.#timer = setTimeout(() => this.catchUp(), delay)
  }

  armedChanged(): void {}

  scanAge(): number | null {
    return null
  }

  faults(): number {
    return 0
  }

  scans(): readonly ScanFigures[] {
    return []
  }

  degraded(): readonly string[] {
    return []
  }

  checks(): readonly SourceCheck[] {
    const { kernel } = this.machine
    return [
      { name: 'source', ok: true, detail: `the model: ${kernel.processes.size} processes, driven by kernel calls` },
      { name: 'clock', ok: true, detail: `${this.clock}, at ${new Date(kernel.now).toISOString()}` },
    ]
  }

  ready(): boolean {
    return true
  }
}

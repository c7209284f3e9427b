/** Defines the port that every source implements. A source feeds the kernel: the live machine, or the model. */

export interface SourceCheck {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

/** Figures of the last scan of one kind. */
export interface ScanFigures {
  readonly kind: 'full' | 'armed'
  readonly ageMs: number
  /** The present period, and by how much it is longer than the configured one. */
  readonly periodMs: number
  readonly lagMs: number
  readonly cpuMs: number
}

export interface Source {
  /** Name that clients see. */
  readonly name: string
  /** Resolves once the kernel holds the first complete state. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Called when thresholds were added, removed or changed. */
  armedChanged(): void
  /** Advances the kernel's time to now. Called before each request of a client is handled. */
  catchUp(): void
  /** ms since the last full scan; null if the source does not scan. */
  scanAge(): number | null
  /** Number of messages of its workers that could not be recorded. */
  faults(): number
  checks(): readonly SourceCheck[]
  /** Empty if the source does not scan. */
  scans(): readonly ScanFigures[]
  /** Names of the things that the source cannot see, or sees worse than it should. */
  degraded(): readonly string[]
  /** Whether clients may rely on the kernel's state. */
  ready(): boolean
}

/** The source cannot start. The message says what to do about it. */
export class SourceError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SourceError'
  }
}

/** The source cannot start on this machine as it is set up, so starting it again is of no use. */
export class UnsuitableMachineError extends SourceError {
  constructor(message: string) {
    super(message)
    this.name = 'UnsuitableMachineError'
  }
}

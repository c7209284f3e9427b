/** What feeds the kernel: the port that every source fits. */

export interface SourceCheck {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

/** One kind of scan, as it went last. */
export interface ScanFigures {
  readonly kind: 'full' | 'armed'
  readonly ageMs: number
  /** How often it is made at present, and how much longer that is than was asked for. */
  readonly periodMs: number
  readonly lagMs: number
  readonly cpuMs: number
}

export interface Source {
  /** As clients see it. */
  readonly name: string
  /** Resolves when the first complete picture is in the kernel. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Thresholds came, went or changed. */
  armedChanged(): void
  /** Lets the kernel's time come up to now: before whatever clients do. */
  catchUp(): void
  /** ms since everything was last read; null where nothing is sampled. */
  scanAge(): number | null
  checks(): readonly SourceCheck[]
  /** Empty where nothing is sampled. */
  scans(): readonly ScanFigures[]
  /** What it cannot see, or not as it should. */
  degraded(): readonly string[]
  /** Whether what the kernel shows can be relied on. */
  ready(): boolean
}

/** A source that cannot begin: what to do about it, for whoever started the service. */
export class SourceError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SourceError'
  }
}

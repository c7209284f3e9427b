/** Defines the port through which streams read events. The application implements it with the journal. */

export interface LoggedEvent {
  /** Increases by one with each event, without gaps, except at an event that stands for others. */
  readonly sequence: number
  readonly type: string
  /** Pathnames of the subject and of every other node that the event is about. */
  readonly places: readonly string[]
  /** True if every subscriber receives the event, whatever its path filter. */
  readonly isForAll: boolean
  /** It stands for events of these types, which are not stored: who selects one of them gets it. */
  readonly standsFor?: readonly string[]
  /** The CloudEvent as JSON. It is encoded once for all subscribers. */
  readonly json: Buffer
}

export interface EventLog {
  /** Sequence of the newest published event; before the first event, the sequence that precedes it. */
  readonly newest: number
  /** The oldest cursor from which a subscriber can resume. */
  readonly oldestCursor: number
  /**
   * Events after a sequence, oldest first. The iteration ends before `newest` if the next event is no longer stored.
   * Preconditions: `oldestCursor <= sequence`.
   */
  after(sequence: number): Iterable<LoggedEvent>
  /** Publishes all events that are waiting to be published. */
  flush(): void
}

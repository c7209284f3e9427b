/** What the streams need of whatever keeps the events: a port that the application supplies. */

export interface LoggedEvent {
  /** Counts up by one without holes. */
  readonly sequence: number
  readonly type: string
  /** The subject and all else that the event is about: pathnames. */
  readonly places: readonly string[]
  /** Of everybody’s concern, whatever their paths. */
  readonly isForAll: boolean
  /** The CloudEvent, encoded once for all who get it. */
  readonly json: Buffer
}

export interface EventLog {
  /** Sequence of the newest event that has been told; before the first one, the number before it. */
  readonly newest: number
  /** The oldest sequence that one can resume after. */
  readonly oldestCursor: number
  /** Events after a sequence, oldest first; they may end before the newest where what comes next is gone. Preconditions: `oldestCursor <= sequence`. */
  after(sequence: number): Iterable<LoggedEvent>
  /** Tells what has happened and waits to be told. */
  flush(): void
}

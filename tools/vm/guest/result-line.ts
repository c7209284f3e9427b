/** Defines a line of the second serial port: three fields with tabs between them. */

export interface ResultLine {
  readonly outcome: 'passed' | 'failed' | 'fact'
  readonly what: string
  /** Empty if there is nothing to add. */
  readonly detail: string
}

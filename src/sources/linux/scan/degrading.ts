/** Defines how the parts of the scan worker report that something of the machine cannot be read. */

export interface Degrading {
  degraded(what: string, reason: string): void
  recovered(what: string): void
}

/** Adds the metrics of the journal: its size, and how far back a cursor reaches. */

import { Gauge, type Registry } from 'prom-client'

export interface LogFigures {
  readonly journal: { readonly events: number; readonly bytes: number | null; readonly oldestAt: number | null }
  /** ms of Unix time. */
  readonly now: () => number
}

function addReach({ journal, now }: LogFigures, registers: Registry[]): void {
  new Gauge({
    name: 'introspectd_journal_reach_seconds',
    help: 'How far back a cursor reaches: the age of the oldest event that can be read again',
    registers,
    collect() {
      this.remove()
      const { oldestAt } = journal
      if (oldestAt !== null) this.set(Math.max(0, now() - oldestAt) / 1000)
    },
  })
}

export function addJournal(figures: LogFigures, registers: Registry[]): void {
  const { journal } = figures
  addReach(figures, registers)
  new Gauge({
    name: 'introspectd_journal_events',
    help: 'Events that can be read again, in memory or in the journal',
    registers,
    collect() {
      this.set(journal.events)
    },
  })
  new Gauge({
    name: 'introspectd_journal_bytes',
    help: 'Size of the pages in use in the journal; absent when events are in memory only',
    registers,
    collect() {
      this.remove()
      const { bytes } = journal
      if (bytes !== null) this.set(bytes)
    },
  })
}

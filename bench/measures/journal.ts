/**
 * Measures writing events to the journal, a thousand a tick and published after the commit, compared with SQLite and a
 * commit for each event. Wall-clock time, because both wait for the disk.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openDirectory } from '../../src/journal/data-directory.ts'
import { Journal } from '../../src/journal/journal.ts'
import type { KernelEvent } from '../../src/kernel/events.ts'
import { interleave, type Measure, timed } from '../measure.ts'

const ticks = 20
const eventsPerTick = 1_000
const single = 500
const rounds = 7

/** About 300 bytes, like most events. */
const eventOf = (pid: number): KernelEvent => ({
  type: 'process.died',
  at: 1_700_000_000_000,
  subject: `/sys/proc/${pid}`,
  about: ['/sys/part/web'],
  data: { pid, identity: `9f31c2-${pid}-88123`, name: 'httpd', code: 0, signal: null, peak: { fds: 17, threads: 8 } },
})

export const journal: Measure = {
  name: 'journal',
  what: `events persisted in batches of ${eventsPerTick} and published; SQLite with a commit each, synchronous=FULL`,
  target: { text: '≥ 20 times less', met: ({ ours, reference }) => reference / ours >= 20 },
  run: async () => {
    const directory = mkdtempSync(join(tmpdir(), 'introspectd-bench-'))
    const { store, close } = openDirectory(directory, 0)
    const plain = new DatabaseSync(join(directory, 'plain.sqlite'))
    plain.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE events (event TEXT)')
    const insert = plain.prepare('INSERT INTO events VALUES (?)')
    let published = 0
    const log = new Journal({
      source: '/net/x',
      firstSequence: 1,
      eventsMax: 65_536,
      storage: { store, retention: { ageMsMax: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER } },
      facts: () => [],
      persistsSettings: false,
      publish: () => published++,
      onFault: (reason) => {
        throw new Error(`the journal failed: ${reason}`)
      },
      now: () => 0,
    })
    try {
      const figures = await interleave(rounds, {
        ours: () =>
          timed(() => {
            for (let tick = 0; tick < ticks; tick++) {
              for (let pid = 0; pid < eventsPerTick; pid++) log.append(eventOf(pid))
              log.flush()
            }
          }),
        reference: () =>
          timed(() => {
            for (let pid = 0; pid < single; pid++) insert.run(JSON.stringify(eventOf(pid)).padEnd(300))
          }),
      })
      const all = rounds * ticks * eventsPerTick
      if (published !== all || store.newest !== all)
        throw new Error(`${published} published and ${store.newest} persisted of ${all}`)
      return {
        ours: (figures.ours * 1000) / (ticks * eventsPerTick),
        reference: (figures.reference * 1000) / single,
        unit: 'µs',
      }
    } finally {
      log.close()
      plain.close()
      close()
      rmSync(directory, { recursive: true })
    }
  },
}

/** Finds the processes none of whose threads ran since the last full scan: of them nothing need be read. */

import type { ProcessRecord } from './scan-records.ts'
import type { TaskStats } from './task-stats.ts'

export class RestWatch {
  private readonly stats: TaskStats

  constructor(stats: TaskStats) {
    this.stats = stats
  }

  close(): void {
    this.stats.close()
  }

  /**
   * Before a scan reads them: what it then reads holds as long as these figures do. Totals of a process that has changed
   * its threads do not stay the same either: who ends or makes one runs.
   */
  look(processes: ReadonlyMap<number, ProcessRecord>): void {
    const pids = [...processes.keys()]
    for (const process of processes.values()) process.atRest = false
    this.stats.read(pids, (index, timesRun, runNs) => {
      const process = processes.get(pids[index]!)!
      process.atRest = timesRun > 0 && timesRun === process.timesRunInAll && runNs === process.runNsInAll
      process.timesRunInAll = timesRun
      process.runNsInAll = runNs
    })
  }
}

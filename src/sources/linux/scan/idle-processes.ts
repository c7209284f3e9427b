/** Finds the processes none of whose threads ran since they were looked at before: of them nothing need be read. */

import type { TaskStats } from '../native/task-stats.ts'
import type { RunTotals } from '../parse/taskstats.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'

/** Each pass has one of its own: it tells what happened since the last pass of that kind. */
export class IdleProcesses {
  readonly #stats: TaskStats
  readonly #totals = new WeakMap<TrackedProcess, Pick<RunTotals, 'timesRun' | 'runNs'>>()

  constructor(stats: TaskStats) {
    this.#stats = stats
  }

  /**
   * Before a pass reads them: what it then reads holds as long as these figures do. Totals of a process that has changed
   * its threads do not stay the same either: who ends or makes one runs.
   */
  look(processes: readonly TrackedProcess[]): void {
    const pids = processes.map(({ pid }) => pid)
    for (const process of processes) process.atRest = false
    this.#stats.read(pids, (index, timesRun, runNs) => {
      const process = processes[index]!
      const former = this.#totals.get(process)
      process.atRest = timesRun > 0 && timesRun === former?.timesRun && runNs === former.runNs
      this.#totals.set(process, { timesRun, runNs })
    })
  }
}

/** Finds processes of which no thread ran since the last pass, so that nothing of them need be read. */

import type { TaskStats } from '../native/task-stats.ts'
import type { RunTotals } from '../parse/taskstats.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'

/** Each kind of pass has its own instance, which compares with the last pass of that kind. */
export class IdleProcesses {
  readonly #stats: TaskStats
  readonly #totals = new WeakMap<TrackedProcess, Pick<RunTotals, 'timesRun' | 'runNs'>>()

  constructor(stats: TaskStats) {
    this.#stats = stats
  }

  /**
   * Called before a pass reads the processes, so that those readings hold as long as the figures stay the same.
   * Creating or ending a thread changes the figures too, because some thread must run to do it.
   */
  update(processes: readonly TrackedProcess[]): void {
    const pids = processes.map(({ pid }) => pid)
    for (const process of processes) process.isIdle = false
    this.#stats.read(pids, (index, timesRun, runNs) => {
      const process = processes[index]!
      const former = this.#totals.get(process)
      process.isIdle = timesRun > 0 && timesRun === former?.timesRun && runNs === former.runNs
      this.#totals.set(process, { timesRun, runNs })
    })
  }
}

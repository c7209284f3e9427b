/** Adds the metrics of groups of processes: by program or by partition, with one label. */

import { Counter, Gauge, type Registry } from 'prom-client'
import type { Kernel } from '../kernel/kernel.ts'
import { type GroupFigures, type GroupOptions, ProcessGroups } from '../kernel/process-groups.ts'

type Figure = Exclude<keyof GroupFigures, 'group' | 'cpuSeconds' | 'oldestStart'>

const gauges: readonly (readonly [string, string, Figure])[] = [
  ['processes', 'Processes', 'processes'],
  ['threads', 'Threads', 'threads'],
  ['memory_bytes', 'Resident memory; pages that processes share count for each', 'memoryBytes'],
  ['fds', 'Open file descriptors', 'fds'],
  ['unreadable_processes', 'Processes of which memory or descriptors cannot be read', 'unreadable'],
]

const labelNames = ['group'] as const

export function addGroups(kernel: () => Kernel, options: GroupOptions, registers: Registry[]): void {
  const groups = new ProcessGroups(options)
  let figures: readonly GroupFigures[] | null = null
  /** Reads once for all metrics of one scrape. */
  const read = (): readonly GroupFigures[] => {
    if (figures === null) setImmediate(() => (figures = null))
    figures ??= groups.read(kernel(), performance.now())
    return figures
  }
  for (const [name, what, figure] of gauges) {
    new Gauge({
      name: `introspectd_group_${name}`,
      help: `${what}, by group of processes`,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const row of read()) this.set({ group: row.group }, row[figure])
      },
    })
  }
  new Gauge({
    name: 'introspectd_group_oldest_start_time_seconds',
    help: 'Start of the oldest process, by group of processes',
    labelNames,
    registers,
    collect() {
      this.reset()
      for (const { group, oldestStart } of read()) if (oldestStart !== null) this.set({ group }, oldestStart / 1000)
    },
  })
  new Counter({
    name: 'introspectd_group_cpu_seconds_total',
    help: 'CPU time used, by group of processes; without processes that were born and ended between two scrapes',
    labelNames,
    registers,
    collect() {
      this.reset()
      for (const { group, cpuSeconds } of read()) this.inc({ group }, cpuSeconds)
    },
  })
}

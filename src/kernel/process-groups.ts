/**
 * Adds up the usage of processes by program or by partition, for metrics. The number of groups is bounded, because each
 * is a label: the processes of further groups are in the group `other`.
 */

import type { Kernel } from './kernel.ts'
import { limitIndex } from './limits/table.ts'
import type { Process } from './nodes/process.ts'

export const groupings = ['program', 'partition'] as const
export type Grouping = (typeof groupings)[number]

export const otherGroup = 'other'
const kernelGroup = 'kernel threads'

export interface GroupOptions {
  readonly by: Grouping
  /** Most groups, without `other`. */
  readonly max: number
  /** Time after which a group without processes gives its place to another one. */
  readonly emptyMsMax: number
}

export interface GroupFigures {
  readonly group: string
  readonly processes: number
  readonly threads: number
  readonly memoryBytes: number
  readonly fds: number
  /** CPU time that the processes used while they were seen; it never falls. */
  readonly cpuSeconds: number
  /** ms of Unix time; null without processes. */
  readonly oldestStart: number | null
  /** Processes of which memory or descriptors are not known, so that the sums are lower bounds. */
  readonly unreadable: number
}

interface Group {
  cpuUs: number
  seenAt: number
}

type Sums = { -readonly [Name in keyof GroupFigures]: GroupFigures[Name] }

export class ProcessGroups {
  readonly #options: GroupOptions
  readonly #groups = new Map<string, Group>()
  /** CPU time of each process at its last reading, in µs. */
  #cpuUs = new Map<Process, number>()

  constructor(options: GroupOptions) {
    this.#options = options
  }

  /** The groups at present. @param now ms of a clock that cannot be set */
  read(kernel: Pick<Kernel, 'processes' | 'notifier'>, now: number): readonly GroupFigures[] {
    const sums = new Map<string, Sums>()
    const seen = new Map<Process, number>()
    const processes = [...kernel.processes.values()]
    const names = this.#namesOf(processes, now)
    for (const process of processes) {
      const group = names.get(process)!
      const sum = sums.get(group) ?? nothing(group)
      sums.set(group, sum)
      this.#add(kernel, process, sum)
      seen.set(process, this.#addCpu(kernel, process, group, now))
    }
    this.#cpuUs = seen
    const known = [...this.#groups].map(([group, { cpuUs }]) => ({
      ...(sums.get(group) ?? nothing(group)),
      cpuSeconds: cpuUs / 1e6,
    }))
    return known
  }

  /** Gives each process its group. At first the groups with most processes get a place. */
  #namesOf(processes: readonly Process[], now: number): ReadonlyMap<Process, string> {
    for (const [name, { seenAt }] of this.#groups)
      if (now - seenAt > this.#options.emptyMsMax && name !== otherGroup) this.#groups.delete(name)
    const byName = Map.groupBy(processes, (process) => nameOf(process, this.#options.by))
    const largestFirst = [...byName].sort(([one, a], [two, b]) => b.length - a.length || (one < two ? -1 : 1))
    const places = new Map<Process, string>()
    for (const [name, members] of largestFirst) {
      const group = this.#placeOf(name, now)
      for (const process of members) places.set(process, group)
    }
    return places
  }

  #placeOf(name: string, now: number): string {
    const count = this.#groups.size - Number(this.#groups.has(otherGroup))
    const place = this.#groups.has(name) || count < this.#options.max ? name : otherGroup
    const group = this.#groups.get(place) ?? { cpuUs: 0, seenAt: now }
    group.seenAt = now
    this.#groups.set(place, group)
    return place
  }

  #add({ notifier }: Pick<Kernel, 'notifier'>, process: Process, sum: Sums): void {
    const memory = notifier.read(process, limitIndex.memory).value
    const fds = notifier.read(process, limitIndex.fds).value
    sum.processes++
    sum.threads += process.threads.size
    sum.memoryBytes += memory ?? 0
    sum.fds += fds ?? 0
    // Threads of the kernel have no memory, and that is known.
    if (fds === null || (memory === null && !process.kernelThread)) sum.unreadable++
    sum.oldestStart = Math.min(sum.oldestStart ?? process.started, process.started)
  }

  /** The first reading of a process counts in full. Later ones count by their difference. */
  #addCpu({ notifier }: Pick<Kernel, 'notifier'>, process: Process, group: string, now: number): number {
    const before = this.#cpuUs.get(process)
    const used = notifier.read(process, limitIndex['cpu-time']).value ?? before ?? 0
    const account = this.#groups.get(group)!
    account.cpuUs += Math.max(0, used - (before ?? 0))
    account.seenAt = now
    return used
  }
}

function nothing(group: string): Sums {
  const none = { processes: 0, threads: 0, memoryBytes: 0, fds: 0, cpuSeconds: 0, unreadable: 0 }
  return { group, ...none, oldestStart: null }
}

function nameOf(process: Process, by: Grouping): string {
  if (by === 'partition') return process.container.path
  if (process.kernelThread) return kernelGroup
  const { executable, name } = process
  return executable === null ? name : executable.slice(executable.lastIndexOf('/') + 1)
}

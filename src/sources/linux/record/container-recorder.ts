/** Records the figures of the machine and of partitions: their usage, and the least of the maxima that apply. */

import type { Kernel } from '../../../kernel/kernel.ts'
import { type LimitName, limitIndex } from '../../../kernel/limits/table.ts'
import type { Partition } from '../../../kernel/nodes/partition.ts'
import type { System } from '../../../kernel/nodes/system.ts'
import { partitionsWithin } from '../../../kernel/nodes/within.ts'
import * as observed from '../../../kernel/observations.ts'
import * as measured from '../../../kernel/observed-usage.ts'
import type { DemandedReading, PartitionReading, SystemReading } from '../container-readings.ts'
import { containerBit } from '../linux-limits.ts'
import type { ScanReport } from '../protocol.ts'
import type { Demands } from './demands.ts'
import { Restarts } from './restarts.ts'

/** A maximum, and the name of its origin. Infinity: there is none. NaN: it is not known. */
interface Maximum {
  readonly value: number
  readonly source: string
}

/** A maximum that is not known makes the least of them unknown. */
function leastOf(maxima: readonly Maximum[]): Maximum {
  return maxima.reduce((least, other) => (other.value < least.value || Number.isNaN(other.value) ? other : least))
}

const none = Number.POSITIVE_INFINITY
const pressures = ['pressure-cpu', 'pressure-memory', 'pressure-io'] as const
const allOfTheTime = { value: 1000, source: 'all of the time' }
const unlimited = { value: none, source: null }

/** The pathname of the partition that is so many levels above, or of the system. */
function pathAbove(partition: Partition, count: number): string {
  let at: Partition | System = partition
  for (let left = count; left > 0 && at.level === 'partition'; left--) at = at.parent
  return at.path
}

export class ContainerRecorder {
  readonly #kernel: Kernel
  /** The root of the hierarchy, if it has a maximum; null outside containers. */
  #root: PartitionReading | null = null
  #memoryFree = none
  readonly #demands: Demands
  readonly #restarts: Restarts
  #hasNoSwap = false

  constructor(kernel: Kernel, demands: Demands) {
    this.#kernel = kernel
    this.#demands = demands
    this.#restarts = new Restarts(kernel)
  }

  /** Preconditions: inside an update. `partitions` is null if this report is of no full scan. */
  record(report: Pick<ScanReport, 'system' | 'partitions' | 'demanded' | 'finishedAt'>): void {
    const { system, partitions, demanded, finishedAt: at } = report
    if (partitions !== null) this.#root = partitions.find(({ names }) => names.length === 0) ?? null
    if (system !== null) this.#recordSystem(system, at)
    if (partitions !== null) this.#recordPartitions(partitions, at)
    if (partitions !== null) this.#restarts.record(partitions, at)
    for (const reading of demanded) this.#recordDemanded(reading, at)
  }

  #recordSystem(machine: SystemReading, at: number): void {
    const { system } = this.#kernel
    // A thread takes a pid, and a process has a thread. So each of these maxima is one for both.
    const tasks = leastOf([
      { value: machine.threadsMax ?? Number.NaN, source: 'kernel.threads-max' },
      { value: machine.processesMax ?? Number.NaN, source: 'kernel.pid_max' },
      { value: this.#root?.threadsMax ?? none, source: '/sys' },
    ])
    const cpu = leastOf([
      { value: (machine.cpus ?? Number.NaN) * 1000, source: 'CPUs online' },
      { value: this.#root?.cpuMax ?? none, source: '/sys' },
    ])
    const memory = { value: machine.memoryTotal ?? Number.NaN, source: 'MemTotal' }
    const capacities: readonly [LimitName, Maximum][] = [
      ['processes', tasks],
      ['threads', tasks],
      ['fds', { value: machine.fdsMax ?? Number.NaN, source: 'fs.file-max' }],
      ['cpu', cpu],
      ['memory', memory],
      ['memory-free', memory],
      ['zombies', tasks],
      // Without swap there is no percentage of it.
      ['swap', { value: machine.swapTotal === 0 ? none : (machine.swapTotal ?? Number.NaN), source: 'SwapTotal' }],
      ...pressures.map((limit): [LimitName, Maximum] => [limit, allOfTheTime]),
    ]
    for (const [limit, { value, source }] of capacities)
      measured.observeCapacity(this.#kernel, system, limit, value, Number.isFinite(value) ? source : null)
    for (const [limit, value] of [['memory', machine.memory] as const, ['memory-free', machine.memoryFree] as const])
      if (value === null) this.#recordUnreadable(system, limit, `meminfo: ${machine.whyNoMemory}`)
      else measured.observe(this.#kernel, system, limit, { value, at })
    measured.observeReclaimable(this.#kernel, system, 'memory-free', machine.memoryReclaimable)
    this.#hasNoSwap = machine.swapTotal === 0
    if (machine.swap === null) this.#recordUnreadable(system, 'swap', 'meminfo has no usable lines of swap')
    else measured.observe(this.#kernel, system, 'swap', { value: machine.swap, at })
    this.#recordOomKills(system, machine.oomKills, at)
    this.#memoryFree = machine.memoryFree ?? none
  }

  #recordPartitions(readings: readonly PartitionReading[], at: number): void {
    const seen = new Set<Partition>()
    for (const reading of readings) {
      const partition = this.#kernel.partition(reading.names)
      if (partition === null) continue
      seen.add(partition)
      this.#recordCapacities(partition, reading)
      this.#recordMemory(partition, reading, at)
      this.#recordOomKills(partition, reading.oomKills?.total ?? null, at)
    }
    // Deepest first: a partition can end only when nothing is left in it.
    for (const partition of [...partitionsWithin(this.#kernel.system)].reverse()) {
      const isEmpty = partition.members.size === 0 && partition.partitions.size === 0
      if (isEmpty && !seen.has(partition)) observed.partitionEnded(this.#kernel, partition)
    }
  }

  #recordCapacities(partition: Partition, { names, sources, ...maxima }: PartitionReading): void {
    const record = (limit: LimitName, value: number | null, depth: number): void => {
      const { value: capacity, source } = value === null ? unlimited : this.#reachable(limit, value)
      const name = source ?? pathAbove(partition, names.length - depth)
      measured.observeCapacity(this.#kernel, partition, limit, capacity, Number.isFinite(capacity) ? name : null)
    }
    record('threads', maxima.threadsMax, sources.threads)
    record('processes', maxima.threadsMax, sources.threads)
    record('cpu', maxima.cpuMax, sources.cpu)
    record('memory', maxima.memoryMax, sources.memory)
    record('memory-free', maxima.memoryMax, sources.memory)
    for (const limit of pressures) measured.observeCapacity(this.#kernel, partition, limit, allOfTheTime.value)
  }

  /** A maximum of a cgroup above that of the machine is never reached. A null source is the cgroup. */
  #reachable(limit: LimitName, value: number): { readonly value: number; readonly source: string | null } {
    const { system, usage } = this.#kernel
    const machine = usage.capacity(system, limitIndex[limit])
    if (!(machine < value)) return { value, source: null }
    return { value: machine, source: usage.annotations.capacitySource.get(system, limitIndex[limit]) ?? system.path }
  }

  #recordMemory(partition: Partition, reading: PartitionReading, at: number): void {
    const { memory, memoryMax, memoryFree, reclaimable, why } = reading
    const kernel = this.#kernel
    if (memory === null) this.#recordUnreadable(partition, 'memory', why ?? 'no memory controller')
    else measured.observe(kernel, partition, 'memory', { value: memory, at })
    measured.observeReclaimable(kernel, partition, 'memory', reclaimable)
    // A partition cannot take more than the machine has.
    const free = memoryFree === null ? null : Math.min(memoryFree, this.#memoryFree)
    if (free === null) this.#recordUnreadable(partition, 'memory-free', whyNoFree(memoryMax, why))
    else measured.observe(kernel, partition, 'memory-free', { value: free, at })
    const part = free === null || reclaimable === null ? null : Math.min(reclaimable, free)
    measured.observeReclaimable(kernel, partition, 'memory-free', part)
  }

  #recordOomKills(node: System | Partition, count: number | null, at: number): void {
    if (count === null) this.#recordUnreadable(node, 'oom-kills', 'the kernel does not count them here')
    else measured.observe(this.#kernel, node, 'oom-kills', { value: count, at })
  }

  #recordDemanded({ names, limit, value, why }: DemandedReading, at: number): void {
    const { system } = this.#kernel
    const container = names.length === 0 ? system : this.#kernel.partition(names)
    if (container === null || !this.#demands.isWantedOf(container, containerBit(limit))) return
    // The kernel need not count the swap of a cgroup on a machine that has none.
    const known = value ?? (limit === 'swap' && this.#hasNoSwap ? 0 : null)
    if (known === null) this.#recordUnreadable(container, limit, why ?? 'unknown')
    else measured.observe(this.#kernel, container, limit, { value: known, at })
  }

  #recordUnreadable(partition: Partition | System, limit: LimitName, reason: string): void {
    if (this.#kernel.usage.whyUnreadable(partition, limitIndex[limit]) !== reason)
      measured.unreadable(this.#kernel, partition, limit, reason)
  }
}

function whyNoFree(memoryMax: number | null, why: string | null): string {
  if (why !== null) return why
  return memoryMax === null ? 'no maximum is set' : 'a maximum or a usage of memory on its path cannot be read'
}

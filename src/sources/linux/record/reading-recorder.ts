/** What a scan read of processes, threads, partitions and the machine, recorded in the kernel. */

import type { Kernel } from '../../../kernel/kernel.ts'
import { capacityOfRlimit } from '../../../kernel/limits/rlimits.ts'
import { type LimitName, limitIndex } from '../../../kernel/limits/table.ts'
import type { Node } from '../../../kernel/nodes/node.ts'
import type { Partition } from '../../../kernel/nodes/partition.ts'
import type { Process } from '../../../kernel/nodes/process.ts'
import type { Thread } from '../../../kernel/nodes/thread.ts'
import type { ThreadWait } from '../../../kernel/nodes/wait.ts'
import { partitionsWithin } from '../../../kernel/nodes/within.ts'
import * as observed from '../../../kernel/observations.ts'
import { capacityRlimits, scannedLimits } from '../linux-limits.ts'
import type { Inventory } from '../processes/inventory.ts'
import type { ProcessRegistry } from '../processes/process-registry.ts'
import {
  capacityStride,
  type ObservedWait,
  type PartitionReading,
  type ProcessFacts,
  type ScanReport,
  type SystemReading,
  type ThreadFacts,
  valueStride,
} from '../protocol.ts'

const indices = scannedLimits.map((name) => limitIndex[name])

export class ReadingRecorder {
  readonly #kernel: Kernel
  readonly #lives: ProcessRegistry
  readonly #inventory: Inventory
  readonly #pageBytes: number

  constructor(kernel: Kernel, parts: { lives: ProcessRegistry; inventory: Inventory; pageBytes: number }) {
    this.#kernel = kernel
    this.#lives = parts.lives
    this.#inventory = parts.inventory
    this.#pageBytes = parts.pageBytes
  }

  /** Who lives, and where. Preconditions: inside an update. Returns the pids of those not told by the connector. */
  recordInventory(report: ScanReport, { certain, silent }: { certain: boolean; silent: boolean }): number[] {
    const { startedAt, inventory } = report
    for (const { names } of report.partitions ?? []) observed.partitionAppeared(this.#kernel, names, { silent })
    for (const facts of report.processes) if (!this.#isKnown(facts)) this.#inventory.keepStranger(facts)
    const admitted = inventory === null ? [] : this.#inventory.reconcile(inventory, { startedAt, certain, silent })
    for (const facts of [...report.processes, ...admitted])
      if (this.#isKnown(facts)) this.#recordProcess(facts, startedAt)
    return admitted.map(({ pid }) => pid)
  }

  /** A birth that a scan had seen before it was told. */
  recordBirth(pid: number): void {
    const facts = this.#inventory.takeStranger(pid)
    // Names come from who told the birth: those are newer.
    if (facts !== null && this.#isKnown(facts))
      this.#kernel.update(this.#kernel.now, () => this.#recordProcess(facts, 0))
  }

  /** What they use. Preconditions: inside an update, after the inventory. */
  recordUsage(report: ScanReport): void {
    for (const facts of report.threads) this.#recordThread(facts, report)
    this.#recordCapacities(report)
    this.#recordValues(report)
    for (const { pid, tid, limit, reason } of report.unreadable) {
      const node = this.#nodeOf(pid, tid, report.startedAt)
      if (node !== null) observed.unreadable(this.#kernel, node, limit, reason)
    }
    for (const pid of report.confirmed) {
      const life = this.#lives.byPid.get(pid)
      if (life !== undefined && life.bornAt < report.startedAt) observed.confirmed(life.process, report.finishedAt)
    }
    if (report.waits !== null) this.#recordWaits(report.waits, report.startedAt)
    if (report.closedSets !== null) this.#recordClosedSets(report.closedSets, report.startedAt)
    if (report.system !== null) this.#recordSystem(report.system, report.finishedAt)
    if (report.partitions !== null) this.#recordPartitions(report.partitions, report.finishedAt)
  }

  #isKnown({ pid, startTicks }: ProcessFacts): boolean {
    return this.#lives.byPid.get(pid)?.startTicks === startTicks
  }

  #recordProcess(facts: ProcessFacts, startedAt: number): void {
    const kernel = this.#kernel
    const { process, changedAt } = this.#lives.byPid.get(facts.pid)!
    if (facts.rlimits !== null) this.recordRlimits(process, facts.rlimits)
    if (facts.partition !== null) {
      observed.processMoved(kernel, process, observed.partitionAppeared(kernel, facts.partition))
    }
    observed.processReparented(kernel, process, kernel.processes.get(facts.parent) ?? null)
    // What the connector told after the scan began is newer than what the scan read.
    if (changedAt < startedAt) this.#recordNames(process, facts)
  }

  #recordNames(process: Process, { name, uid, executable, kernelThread }: ProcessFacts): void {
    const kernel = this.#kernel
    // Of a kernel worker the name says what it works on at the moment: no news.
    if (process.name !== name) observed.processChanged(kernel, process, kernelThread ? null : 'name', { name })
    if (process.uid !== uid) observed.processChanged(kernel, process, process.uid === null ? null : 'uid', { uid })
    if (executable !== null && process.executable !== executable)
      observed.processChanged(kernel, process, null, { executable })
  }

  /** Preconditions: inside an update. */
  recordRlimits(process: Process, rlimits: NonNullable<ProcessFacts['rlimits']>): void {
    observed.rlimitsObserved(process, rlimits)
    for (const row of capacityRlimits) {
      const soft = rlimits[row.name]?.soft ?? Number.POSITIVE_INFINITY
      observed.observeCapacity(this.#kernel, process, row.limit, capacityOfRlimit(row, soft, this.#pageBytes))
    }
  }

  #recordThread(facts: ThreadFacts, { startedAt }: ScanReport): void {
    const thread = this.#lives.byPid.get(facts.pid)?.process.threads.get(facts.tid)
    if (thread === undefined) return
    const { name, state, certain, why, since, priority } = facts
    const on = facts.on === null ? null : { ...facts.on }
    const isNewer = this.#lives.byPid.get(facts.pid)!.changedAt >= startedAt
    observed.threadChanged(this.#kernel, thread, {
      ...(!isNewer && { name }),
      priority,
      condition: { state, on, certain, why, since },
    })
  }

  #recordCapacities({ capacities, startedAt }: ScanReport): void {
    for (let row = 0; row < capacities.length; row += capacityStride) {
      const node = this.#nodeOf(capacities[row]!, capacities[row + 1]!, startedAt)
      if (node === null) continue
      this.#kernel.usage.observeCapacity(node, indices[capacities[row + 2]!]!, capacities[row + 3]!)
    }
  }

  #recordValues({ values, startedAt, finishedAt }: ScanReport): void {
    for (let row = 0; row < values.length; row += valueStride) {
      const node = this.#nodeOf(values[row]!, values[row + 1]!, startedAt)
      if (node === null) continue
      const limit = scannedLimits[values[row + 2]!]!
      observed.observe(this.#kernel, node, limit, {
        value: values[row + 3]!,
        at: finishedAt,
        estimate: values[row + 4] === 1,
        lowerBound: values[row + 4] === 2,
      })
    }
  }

  /** What was told stands until it is contradicted. Nothing new is made of what is in doubt. */
  #isToldStuck(thread: Thread): boolean {
    const { deadlocks } = this.#kernel
    return thread.observedWait !== null && (deadlocks.isStuckThread(thread) || deadlocks.isSuspectThread(thread))
  }

  /** What has ended meanwhile is left out: the next report knows of it. */
  #recordWaits(rows: readonly ObservedWait[], startedAt: number): void {
    const waits = new Map<Thread, ThreadWait>()
    for (const row of rows) {
      const thread = this.#threadOf(row, startedAt)
      const wait = thread && this.#waitOf(thread, row, startedAt)
      if (wait && (!row.isDoubted || this.#isToldStuck(thread)))
        waits.set(thread, row.isDoubted ? thread.observedWait! : wait)
    }
    observed.waitsObserved(this.#kernel, waits)
  }

  #waitOf(thread: Thread, row: ObservedWait, startedAt: number): ThreadWait | null {
    const releaser = row.owner && this.#threadOf(row.owner, startedAt)
    if (releaser === null && row.owner !== null) return null
    const former = row.ownerTid === 0 ? null : `${thread.parent.path}/thread/${row.ownerTid}`
    const owner = releaser?.path ?? former
    const isJoin = row.kind === 'thread'
    const object = isJoin && owner !== null ? owner : row.object
    const isGate = row.evidence === 'own-mutex' && !row.isShared
    const wait = { state: isJoin ? 'JOIN' : 'MUTEX', object, evidence: row.evidence, releaser, owner } as const
    return isGate ? { ...wait, anyOf: thread.parent } : wait
  }

  #threadOf({ pid, tid }: { pid: number; tid: number }, startedAt: number): Thread | null {
    const life = this.#lives.byPid.get(pid)
    return life === undefined || life.bornAt > startedAt ? null : (life.process.threads.get(tid) ?? null)
  }

  #recordClosedSets(pids: readonly number[], startedAt: number): void {
    const lives = pids.map((pid) => this.#lives.byPid.get(pid)).filter((life) => life !== undefined)
    const processes = lives.filter(({ bornAt }) => bornAt <= startedAt).map(({ process }) => process)
    observed.closedSetsObserved(this.#kernel, new Set(processes))
  }

  /** Null for what has ended meanwhile, or was born since the scan began: the row may be about its predecessor. */
  #nodeOf(pid: number, tid: number, startedAt: number): Node | null {
    const life = this.#lives.byPid.get(pid)
    if (life === undefined || life.bornAt > startedAt) return null
    return tid === 0 ? life.process : (life.process.threads.get(tid) ?? null)
  }

  #recordSystem(machine: SystemReading, at: number): void {
    const { system } = this.#kernel
    const capacities: readonly [LimitName, number][] = [
      ['processes', machine.processesMax],
      ['threads', machine.threadsMax],
      ['fds', machine.fdsMax],
      ['cpu', machine.cpus * 1000],
      ['memory', machine.memoryTotal],
      ['memory-free', machine.memoryTotal],
    ]
    for (const [limit, capacity] of capacities) observed.observeCapacity(this.#kernel, system, limit, capacity)
    observed.observe(this.#kernel, system, 'memory', { value: machine.memory, at })
    observed.observe(this.#kernel, system, 'memory-free', { value: machine.memoryFree, at })
  }

  #recordPartitions(readings: readonly PartitionReading[], at: number): void {
    const there = new Set<Partition>()
    for (const reading of readings) {
      const partition = this.#kernel.partition(reading.names)
      if (partition === null) continue
      there.add(partition)
      this.#recordPartition(partition, reading, at)
    }
    // The deepest first: a partition ends when nothing is left in it.
    for (const partition of [...partitionsWithin(this.#kernel.system)].reverse()) {
      const isEmpty = partition.members.size === 0 && partition.partitions.size === 0
      if (isEmpty && !there.has(partition)) observed.partitionEnded(this.#kernel, partition)
    }
  }

  #recordPartition(partition: Partition, reading: PartitionReading, at: number): void {
    const { memory, memoryMax, threadsMax, cpuMax, why } = reading
    const kernel = this.#kernel
    observed.observeCapacity(kernel, partition, 'threads', threadsMax ?? Number.POSITIVE_INFINITY)
    observed.observeCapacity(kernel, partition, 'cpu', cpuMax ?? Number.POSITIVE_INFINITY)
    const max = memoryMax ?? Number.POSITIVE_INFINITY
    observed.observeCapacity(kernel, partition, 'memory', max)
    observed.observeCapacity(kernel, partition, 'memory-free', max)
    const noMemory = why ?? 'no memory controller'
    if (memory === null) this.#lose(partition, 'memory', noMemory)
    else observed.observe(kernel, partition, 'memory', { value: memory, at })
    if (memory === null || memoryMax === null)
      this.#lose(partition, 'memory-free', memory === null ? noMemory : 'no maximum is set')
    else observed.observe(kernel, partition, 'memory-free', { value: Math.max(0, memoryMax - memory), at })
  }

  #lose(node: Node, limit: LimitName, reason: string): void {
    if (this.#kernel.usage.whyUnreadable(node, limitIndex[limit]) !== reason)
      observed.unreadable(this.#kernel, node, limit, reason)
  }
}

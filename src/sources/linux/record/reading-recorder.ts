/** Records the readings of a scan in the kernel: processes, threads, partitions and the machine. */

import type { Kernel } from '../../../kernel/kernel.ts'
import { capacityOfRlimit } from '../../../kernel/limits/rlimits.ts'
import { limitIndex } from '../../../kernel/limits/table.ts'
import type { Node } from '../../../kernel/nodes/node.ts'
import type { Process } from '../../../kernel/nodes/process.ts'
import type { Thread } from '../../../kernel/nodes/thread.ts'
import type { ThreadWait } from '../../../kernel/nodes/wait.ts'
import * as observed from '../../../kernel/observations.ts'
import * as measured from '../../../kernel/observed-usage.ts'
import { closedSetsObserved, waitsObserved } from '../../../kernel/observed-waits.ts'
import { capacityRlimits, demandedLimits, scannedLimits } from '../linux-limits.ts'
import type { Inventory } from '../processes/inventory.ts'
import type { ProcessRegistry } from '../processes/process-registry.ts'
import {
  capacityStride,
  type ObservedWait,
  type ProcessFacts,
  type ScanReport,
  scannedIndex,
  type ThreadFacts,
  valueStride,
} from '../protocol.ts'
import { ContainerRecorder } from './container-recorder.ts'
import { Demands } from './demands.ts'
import { UnrecordedThreads } from './unrecorded-threads.ts'

/** Whether the names of a process are those that a scan has read. */
function hasNames(process: Process, { name, uid, executable }: ProcessFacts): boolean {
  return process.name === name && process.uid === uid && (executable === null || process.executable === executable)
}

import { qualities } from '../scan/report-builder.ts'

const estimated = qualities.indexOf('estimate')
const lowerBound = qualities.indexOf('lower-bound')
const indices = scannedLimits.map((name) => limitIndex[name])
const onDemand = scannedLimits.map((name) => demandedLimits.includes(name))

export interface RecorderParts {
  readonly registry: ProcessRegistry
  readonly inventory: Inventory
  readonly pageBytes: number
}

export class ReadingRecorder {
  readonly #kernel: Kernel
  readonly #registry: ProcessRegistry
  readonly #inventory: Inventory
  readonly #containers: ContainerRecorder
  readonly #pageBytes: number
  readonly demands: Demands
  /** Threads of which readings were not recorded. */
  readonly unrecorded: UnrecordedThreads

  constructor(kernel: Kernel, parts: RecorderParts) {
    this.#kernel = kernel
    this.#registry = parts.registry
    this.#inventory = parts.inventory
    this.demands = new Demands(kernel)
    this.#containers = new ContainerRecorder(kernel, this.demands)
    this.#pageBytes = parts.pageBytes
    this.unrecorded = new UnrecordedThreads(parts.registry)
  }

  /**
   * Records which processes are alive and in which partitions. Preconditions: inside an update. Returns the pids that
   * the scan found and the connector did not report.
   */
  recordInventory(report: ScanReport, { certain, silent }: { certain: boolean; silent: boolean }): number[] {
    const { startedAt, inventory, unidentified } = report
    for (const { names } of report.partitions ?? []) observed.partitionAppeared(this.#kernel, names, { silent })
    for (const facts of report.processes) if (!this.#isKnown(facts)) this.#inventory.addUnregistered(facts)
    const admitted =
      inventory === null ? [] : this.#inventory.reconcile(inventory, { startedAt, certain, silent, unidentified })
    for (const facts of [...report.processes, ...admitted])
      if (this.#isKnown(facts)) this.#recordProcess(facts, startedAt)
    if (inventory !== null) this.unrecorded.confine(inventory)
    return admitted.map(({ pid }) => pid)
  }

  /** Records facts that a scan had read before the birth of the process was reported. */
  recordBirth(pid: number): void {
    const facts = this.#inventory.takeUnregistered(pid)
    // Scan time 0, so that the names of the birth, which are newer, are not replaced.
    if (facts !== null && this.#isKnown(facts))
      this.#kernel.update(this.#kernel.now, () => this.#recordProcess(facts, 0))
  }

  /** Records usage. Preconditions: inside an update, after the inventory. */
  recordUsage(report: ScanReport): void {
    for (const facts of report.threads) this.#recordThread(facts, report)
    this.#recordCapacities(report)
    this.#recordValues(report)
    for (const { pid, tid, limit, reason } of report.unreadable) {
      if (!this.#isWanted(pid, scannedIndex[limit])) continue
      const node = this.#nodeOf(pid, tid, report.startedAt)
      if (node !== null) measured.unreadable(this.#kernel, node, limit, reason)
    }
    for (const pid of report.confirmed) {
      const registered = this.#registry.byPid.get(pid)
      if (registered !== undefined && registered.bornAt < report.startedAt)
        measured.confirmed(registered.process, report.finishedAt)
    }
    if (report.waits !== null) this.#recordWaits(report.waits, report.startedAt)
    if (report.closedSets !== null) this.#recordClosedSets(report.closedSets, report.startedAt)
    this.#containers.record(report)
  }

  /** A limit on demand may have been given up since the scan read it. */
  #isWanted(pid: number, index: number): boolean {
    return !onDemand[index] || this.demands.isWanted(pid, index)
  }

  #isKnown({ pid, startTicks }: ProcessFacts): boolean {
    return this.#registry.byPid.get(pid)?.startTicks === startTicks
  }

  #recordProcess(facts: ProcessFacts, startedAt: number): void {
    const kernel = this.#kernel
    const { process, changedAt } = this.#registry.byPid.get(facts.pid)!
    if (facts.rlimits !== null) this.recordRlimits(process, facts.rlimits)
    if (facts.partition !== null) {
      observed.processMoved(kernel, process, observed.partitionAppeared(kernel, facts.partition))
    }
    observed.processReparented(kernel, process, kernel.processes.get(facts.parent) ?? null)
    // A change that the connector reported after the scan began is newer than the scan's reading.
    if (changedAt < startedAt) {
      this.#registry.settle(process)
      this.#recordNames(process, facts)
    } else if (startedAt > 0 && !hasNames(process, facts)) this.unrecorded.add(facts.pid, 0)
  }

  #recordNames(process: Process, { name, uid, executable, cmdline, kernelThread }: ProcessFacts): void {
    const kernel = this.#kernel
    // The name of a kernel worker shows its present work: a change of it is no event.
    if (process.name !== name) observed.processChanged(kernel, process, kernelThread ? null : 'name', { name })
    if (cmdline !== undefined && process.cmdline !== cmdline)
      observed.processChanged(kernel, process, null, { cmdline })
    if (uid !== null && process.uid !== uid)
      observed.processChanged(kernel, process, process.uid === null ? null : 'uid', { uid })
    if (process.kernelThread !== kernelThread) observed.processChanged(kernel, process, null, { kernelThread })
    if (executable !== null && process.executable !== executable)
      observed.processChanged(kernel, process, null, { executable })
  }

  /** Preconditions: inside an update. */
  recordRlimits(process: Process, rlimits: NonNullable<ProcessFacts['rlimits']>): void {
    measured.rlimitsObserved(process, rlimits)
    for (const row of capacityRlimits) {
      const soft = rlimits[row.name]?.soft ?? Number.POSITIVE_INFINITY
      const capacity = capacityOfRlimit(row, soft, this.#pageBytes)
      // A capacity beyond everything that can be counted is never reached.
      const finite = capacity < Number.MAX_SAFE_INTEGER ? capacity : Number.POSITIVE_INFINITY
      measured.observeCapacity(this.#kernel, process, row.limit, finite)
    }
  }

  #recordThread(facts: ThreadFacts, { startedAt }: ScanReport): void {
    const registered = this.#registry.byPid.get(facts.pid)
    // A process that is not registered is read as a whole when it is.
    if (registered === undefined) return
    const thread = registered.process.threads.get(facts.tid)
    if (thread === undefined) {
      this.unrecorded.add(facts.pid, facts.tid)
      return
    }
    const { name, state, certain, why, since, priority } = facts
    const on = facts.on === null ? null : { ...facts.on }
    const isNewer = registered.changedAt >= startedAt
    if (isNewer && thread.name !== name) this.unrecorded.add(facts.pid, facts.tid)
    else if (!isNewer && facts.tid === facts.pid) this.#registry.settle(registered.process)
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
      if (node === null || !this.#isWanted(values[row]!, values[row + 2]!)) continue
      const limit = scannedLimits[values[row + 2]!]!
      const quality = values[row + 4]!
      measured.observe(this.#kernel, node, limit, {
        value: values[row + 3]!,
        at: finishedAt,
        estimate: quality === estimated || quality > lowerBound,
        lowerBound: quality === lowerBound,
      })
      const granularity = quality > lowerBound ? quality : null
      measured.observeGranularity(this.#kernel, node, limit, granularity)
    }
  }

  /**
   * An unconfirmed wait is used only for a thread already reported as deadlocked: a deadlock stands until it is
   * contradicted, but no new one follows from an unconfirmed wait.
   */
  #isReportedStuck(thread: Thread): boolean {
    const { deadlocks } = this.#kernel
    return thread.observedWait !== null && (deadlocks.isStuckThread(thread) || deadlocks.isSuspectThread(thread))
  }

  /** Threads that have ended meanwhile are left out: the next report has the change. */
  #recordWaits(rows: readonly ObservedWait[], startedAt: number): void {
    const waits = new Map<Thread, ThreadWait>()
    for (const row of rows) {
      const thread = this.#threadOf(row, startedAt)
      const wait = thread && this.#waitOf(thread, row, startedAt)
      if (wait && (!row.isUnconfirmed || this.#isReportedStuck(thread)))
        waits.set(thread, row.isUnconfirmed ? thread.observedWait! : wait)
    }
    waitsObserved(this.#kernel, waits)
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
    const registered = this.#registry.byPid.get(pid)
    return registered === undefined || registered.bornAt > startedAt
      ? null
      : (registered.process.threads.get(tid) ?? null)
  }

  #recordClosedSets(pids: readonly number[], startedAt: number): void {
    const registry = pids.map((pid) => this.#registry.byPid.get(pid)).filter((registered) => registered !== undefined)
    const processes = registry.filter(({ bornAt }) => bornAt <= startedAt).map(({ process }) => process)
    closedSetsObserved(this.#kernel, new Set(processes))
  }

  /** Null if it has ended, or was born since the scan began: the row may be about the former process with that pid. */
  #nodeOf(pid: number, tid: number, startedAt: number): Node | null {
    const registered = this.#registry.byPid.get(pid)
    if (registered === undefined || registered.bornAt > startedAt) return null
    return tid === 0 ? registered.process : (registered.process.threads.get(tid) ?? null)
  }
}

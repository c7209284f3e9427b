/** Runs the passes over /proc: full scans, fast scans, and the first reading of new processes. */

import { LockWatch } from '../locks/lock-watch.ts'
import { nameOfErrno } from '../native/libc.ts'
import type { ProcFiles } from '../native/proc-files.ts'
import { TaskStats } from '../native/task-stats.ts'
import { locksBit, type ScanCommand, type ThreadId } from '../protocol.ts'
import { TrackedProcess } from '../tracked/tracked-process.ts'
import { CgroupReader } from './cgroup-reader.ts'
import { ContainerDemands } from './container-demands.ts'
import type { Degrading } from './degrading.ts'
import { reportDenied, retryDenied } from './denied-processes.ts'
import { DescriptorScan } from './descriptor-scan.ts'
import { FdTableReader } from './fd-table-reader.ts'
import { IdleProcesses } from './idle-processes.ts'
import { type KernelFeatures, whyNoOwners } from './kernel-features.ts'
import { Newborns } from './newborns.ts'
import { type Depth, type PassTime, ProcessScan } from './process-scan.ts'
import type { ReportBuilder } from './report-builder.ts'
import { ranMask, ScanPlan } from './scan-plan.ts'
import { SocketIndex } from './socket-index.ts'
import { SystemReader } from './system-reader.ts'
import { reportZombies } from './zombies.ts'

// The kernel can reclaim memory of an idle process, so its memory is read in one of so many scans, in turn. The same
// goes for the facts and descriptors of a process that ran.
export const turnEvery = 10
// Changes that others make to an idle process without any notice (rlimits, names and priorities of threads, signals)
// are read even less often.
export const deepEvery = 60
// Lists of members are long, and the kernel sorts them at each reading.
const membersEvery = 2
const queriedThreadsMin = 4

export interface ScannerParts {
  readonly procRoot: string
  readonly files: ProcFiles
  readonly report: ReportBuilder
  readonly abilities: KernelFeatures
  readonly degrading: Degrading
}

export class Scanner {
  readonly plan = new ScanPlan()
  readonly #parts: ScannerParts
  readonly #processes = new Map<number, TrackedProcess>()
  readonly #newborns = new Newborns()
  readonly #endedParents = new Set<number>()
  readonly #scan: ProcessScan
  readonly #descriptors: DescriptorScan
  /** Null if owners of locks cannot be read. */
  readonly #locks: LockWatch | null
  readonly #systemReader: SystemReader
  readonly #cgroups: CgroupReader
  readonly #demands: ContainerDemands
  /** Null if taskstats cannot be used. */
  readonly #stats: TaskStats | null
  readonly #idleSinceFull: IdleProcesses | null
  readonly #idleSinceFast: IdleProcesses | null
  #scans = 0
  /** Processes of which this fast scan read the threads. */
  readonly #lockScope: TrackedProcess[] = []

  constructor(parts: ScannerParts) {
    const { files, report, abilities } = parts
    this.#parts = parts
    this.#descriptors = new DescriptorScan(report, new FdTableReader(files), new SocketIndex(abilities))
    this.#scan = new ProcessScan(files, report, this.#descriptors, abilities)
    const watched = { ...parts, ...abilities, processes: this.#processes, threadReader: this.#scan.threadReader }
    this.#locks = whyNoOwners(abilities) === null ? new LockWatch(watched) : null
    this.#systemReader = new SystemReader(parts)
    this.#cgroups = new CgroupReader(files, abilities.tree, parts)
    this.#demands = new ContainerDemands(files, { ...parts, tree: abilities.tree })
    // taskstats takes process ids of our own namespace.
    this.#stats = abilities.ownNamespace ? TaskStats.open() : null
    this.#idleSinceFull = this.#stats && new IdleProcesses(this.#stats)
    this.#idleSinceFast = this.#stats && new IdleProcesses(this.#stats)
  }

  get hasNewborns(): boolean {
    return this.#newborns.size > 0
  }

  applyBirths({ born, died }: Extract<ScanCommand, { type: 'births' }>, now: number): void {
    // Deaths first: a pid in both lists was reused.
    for (const pid of died) {
      this.#newborns.remove(pid)
      this.#endedParents.add(pid)
      const process = this.#processes.get(pid)
      if (process && !this.#scan.isSame(process)) this.#drop(process)
    }
    for (const pid of born) {
      // The main thread recorded no reading from before the birth, so this process is as new as one not read yet.
      const process = this.#processes.get(pid)
      if (process) this.#drop(process)
      this.#newborns.add(pid, now)
    }
  }

  replacePlan(plan: Extract<ScanCommand, { type: 'plan' }>): void {
    const { cmdlines } = this.plan
    this.plan.replace(plan)
    this.#scan.follow(this.plan, this.#processes.values(), { factsAreStale: this.plan.cmdlines && !cmdlines })
  }

  /** Forgets these threads, so that the next pass over their processes reads them as new ones. */
  reread(threads: readonly ThreadId[]): void {
    for (const [pid, rows] of Map.groupBy(threads, ({ pid }) => pid))
      this.#processes.get(pid)?.forgetThreads(rows, this.#parts.files)
  }

  /** Forgets everything that was read, so that it is read and reported again. */
  restart(): void {
    for (const process of this.#processes.values()) this.#drop(process)
  }

  scanFull(time: PassTime): void {
    this.#startPass(time)
    this.#parts.report.includesUnchanged = true
    const { files, procRoot } = this.#parts
    const pids = files.list(procRoot)
    if (typeof pids === 'number') {
      this.#withholdInventory(`${procRoot} cannot be listed: ${nameOfErrno(-pids)}`)
      return
    }
    this.#scans++
    this.#idleSinceFull?.update([...this.#processes.values()])
    if (this.#scans % membersEvery === 0) this.#cgroups.forEachMember((pid, names) => this.#checkMember(pid, names))
    for (const pid of pids) {
      const process = this.#processes.get(pid)
      if (process) this.#scanKnown(process)
      else this.#scanNew(pid)
    }
    this.#endedParents.clear()
    for (const process of this.#processes.values()) {
      if (process.lastListedScan === this.#scans) continue
      this.#drop(process)
      this.#endedParents.add(process.pid)
    }
    this.#newborns.removeKnown(this.#processes)
    this.#finishDescriptors('full')
    this.#locks?.finishPass(this.#processes.values(), true)
    reportZombies(this.#processes.values(), this.#parts.report, this.#scans)
    this.#parts.report.partitions = this.#cgroups.read()
    this.#parts.report.demanded = this.#demands.read(this.plan, this.#cgroups, time.bootMs)
    this.#readSystem(true)
    if (files.takeStarved()) this.#withholdInventory('some processes could not be read: descriptors ran out')
    else this.#parts.degrading.recovered('inventory')
    reportDenied(this.#processes.values(), this.#parts.degrading)
  }

  /** Processes that this pass did not see may be alive all the same, so it reports no inventory. */
  #withholdInventory(reason: string): void {
    this.#parts.report.isComplete = false
    this.#parts.degrading.degraded('inventory', reason)
  }

  scanFast(time: PassTime, bornBefore: number): void {
    this.#startPass(time)
    this.#parts.report.includesUnchanged = false
    this.#lockScope.length = 0
    if (this.plan.armsProcesses) this.#scanArmed()
    this.#scanNewborns(bornBefore)
    this.#finishDescriptors('fast')
    this.#locks?.finishPass(this.#lockScope, false)
    if (this.plan.system) this.#readSystem(false)
  }

  #startPass(time: PassTime): void {
    this.#scan.startPass(time, this.#systemReader.readAgeTicks(this.#parts.abilities))
  }

  #finishDescriptors(kind: 'fast' | 'full'): void {
    this.#descriptors.finishPass(kind, (process) => this.#processes.get(process.pid) === process && !process.zombie)
  }

  /** Closes everything open except the files of /proc. */
  close(): void {
    this.#descriptors.close()
    this.#stats?.close()
  }

  #readSystem(maxima: boolean): void {
    this.#parts.report.system = this.#systemReader.read(maxima)
  }

  #drop(process: TrackedProcess): void {
    process.forget(this.#parts.files)
    this.#processes.delete(process.pid)
  }

  // ---- full scan ----

  #scanNew(pid: number): void {
    const process = new TrackedProcess(pid, this.#parts.procRoot, this.#parts.abilities)
    this.#parts.report.mark()
    process.lastListedScan = this.#scans
    this.#processes.set(pid, process)
    this.#readFully(process, { ran: true, isTurn: true, thorough: true, deep: true })
  }

  #scanKnown(process: TrackedProcess): void {
    const { report } = this.#parts
    report.mark()
    process.lastListedScan = this.#scans
    this.#scan.retryStacks(process)
    const deep = (this.#scans + process.pid) % deepEvery === 0
    if (deep && process.denied) retryDenied(process)
    const isIdle = this.#scan.isIdle(process)
    const ran =
      !isIdle && (this.#scan.readSchedules(process, this.plan.maskOf(process.pid) !== 0) || process.ranSinceFullRead)
    const isTurn = (this.#scans + process.pid) % turnEvery === 0
    const orphaned = this.#endedParents.size > 0 && this.#endedParents.has(process.facts?.parent ?? 0)
    const thorough = process.factsStale || deep || orphaned || (ran && isTurn)
    if (ran || thorough || isTurn) {
      this.#readFully(process, { ran, isTurn, thorough, deep })
      return
    }
    if (process.zombie) return
    this.#scan.reportIdle(process)
    this.#readDemanded(process, false)
    report.confirm(process.pid)
    report.addToInventory(process)
  }

  /**
   * Reads everything that may have changed. A process that is gone is dropped; if its pid was reused, the new process
   * is read.
   */
  #readFully(process: TrackedProcess, depth: Omit<Depth, 'plan'>): void {
    if (this.#scan.readFully(process, { ...depth, plan: this.plan.maskOf(process.pid) })) {
      if (process.zombie) return
      if (depth.ran) process.lastRanScan = this.#scans
      this.#readDemanded(process, depth.ran)
      if (depth.thorough) this.#cgroups.expect(process.facts?.partition ?? [])
      if (!depth.ran) this.#parts.report.confirm(process.pid)
      this.#parts.report.addToInventory(process)
      return
    }
    this.#scan.rollBack(process)
    this.#drop(process)
    if (process.unidentified !== null) this.#parts.report.unidentified(process.pid, process.unidentified)
    else if (process.facts !== null && !this.#scan.isSame(process)) this.#scanNew(process.pid)
  }

  #readDemanded(process: TrackedProcess, ran: boolean): void {
    const mask = this.plan.demandOf(process.pid)
    if (mask !== 0) this.#scan.rates.read(process, mask, ran)
  }

  /** A process listed in another partition than the reported one has moved. */
  #checkMember(pid: number, names: readonly string[]): void {
    const process = this.#processes.get(pid)
    const reported = process?.facts?.partition
    if (!process || !reported) return
    if (reported.length !== names.length || reported.some((name, place) => name !== names[place]))
      process.factsStale = true
  }

  // ---- fast scan ----

  #scanArmed(): void {
    const { listed } = this.plan
    const armed =
      listed === null ? [...this.#processes.values()] : [...listed].flatMap((pid) => this.#processes.get(pid) ?? [])
    // Clear the mark that the full scan set: processes without a taskstats query are read.
    for (const process of armed) process.isIdle = false
    this.#idleSinceFast?.update(armed.filter((process) => this.#isWorthQuerying(process)))
    for (const process of armed) this.#scanFastOne(process)
  }

  /** One taskstats query for the process costs less than a reading of each thread. */
  #isWorthQuerying({ pid, threads, zombie }: TrackedProcess): boolean {
    return !zombie && threads.length >= queriedThreadsMin && (this.plan.maskOf(pid) & ranMask) !== 0
  }

  #scanFastOne(process: TrackedProcess): void {
    const mask = this.plan.maskOf(process.pid)
    if (mask === 0 || process.zombie) return
    this.#parts.report.mark()
    if (this.#scan.readFast(process, mask)) {
      if ((mask & locksBit) !== 0) this.#lockScope.push(process)
      return
    }
    this.#scan.rollBack(process)
    // The next full scan finds out whether the process is gone or ending.
    process.listStale = true
  }

  // ---- new processes ----

  #scanNewborns(bornBefore: number): void {
    for (const pid of this.#newborns.takeArrivedBefore(bornBefore)) {
      if (this.#processes.has(pid)) continue
      this.#scanNew(pid)
      const process = this.#processes.get(pid)
      if (process) this.#lockScope.push(process)
    }
  }
}

/** The passes over /proc: the full scan, the fast one, and the reading of newborn processes. */

import { LockWatch } from '../locks/lock-watch.ts'
import { nameOfErrno } from '../native/libc.ts'
import { ProcFile, type ProcFiles } from '../native/proc-files.ts'
import { TaskStats } from '../native/task-stats.ts'
import { locksBit, type ScanCommand } from '../protocol.ts'
import { TrackedProcess } from '../tracked/tracked-process.ts'
import { CgroupReader } from './cgroup-reader.ts'
import { DescriptorScan } from './descriptor-scan.ts'
import { FdTableReader } from './fd-table-reader.ts'
import { IdleProcesses } from './idle-processes.ts'
import { type KernelFeatures, whyNoOwners } from './kernel-features.ts'
import { type Depth, ProcessScan } from './process-scan.ts'
import type { ReportBuilder } from './report-builder.ts'
import { ranMask, ScanPlan } from './scan-plan.ts'
import { SocketIndex } from './socket-index.ts'
import { readAgeTicks, SystemReader } from './system-reader.ts'

// The kernel can take memory from a process while it rests: it is read in one scan of so many, not of all in the same.
// So are the facts of one that runs, and its descriptors.
export const turnEvery = 10
// What others can change of a process at rest and nobody tells us (rlimits, names and priorities of its threads, signals)
// is looked at less often still.
export const deepEvery = 60
// The lists of members are long, and the kernel sorts each anew.
const membersEvery = 2
const newbornsAtOnceMax = 200
const askedThreadsMin = 4
const newbornsMax = 20_000

export interface Degrading {
  degraded(what: string, reason: string): void
  recovered(what: string): void
}

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
  readonly #born = new Map<number, number>()
  readonly #orphanMakers = new Set<number>()
  readonly #scan: ProcessScan
  readonly #descriptors: DescriptorScan
  /** Null where owners of locks cannot be read. */
  readonly #locks: LockWatch | null
  readonly #systemReader: SystemReader
  readonly #cgroups: CgroupReader
  readonly #uptime: ProcFile
  /** Null where the kernel does not tell. */
  readonly #stats: TaskStats | null
  readonly #restSinceFull: IdleProcesses | null
  readonly #restSinceFast: IdleProcesses | null
  #scans = 0
  /** What the fast pass read the threads of. */
  readonly #lockScope: TrackedProcess[] = []

  constructor(parts: ScannerParts) {
    const { files, report, abilities, procRoot } = parts
    this.#parts = parts
    this.#descriptors = new DescriptorScan(report, new FdTableReader(files), new SocketIndex(abilities))
    this.#scan = new ProcessScan(files, report, this.#descriptors, abilities)
    const processes = this.#processes
    const { threadReader } = this.#scan
    this.#locks =
      whyNoOwners(abilities) === null ? new LockWatch({ files, report, processes, procRoot, threadReader }) : null
    this.#systemReader = new SystemReader(files, procRoot)
    this.#cgroups = new CgroupReader(files, abilities.tree)
    this.#uptime = new ProcFile(`${procRoot}/uptime`)
    // Its process ids are those of our own namespace.
    this.#stats = abilities.ownNamespace ? TaskStats.open() : null
    this.#restSinceFull = this.#stats && new IdleProcesses(this.#stats)
    this.#restSinceFast = this.#stats && new IdleProcesses(this.#stats)
  }

  get hasNewborns(): boolean {
    return this.#born.size > 0
  }

  hearLives({ born, died }: Extract<ScanCommand, { type: 'lives' }>, now: number): void {
    for (const pid of born) if (this.#born.size < newbornsMax) this.#born.set(pid, now)
    for (const pid of died) {
      this.#born.delete(pid)
      this.#orphanMakers.add(pid)
      const process = this.#processes.get(pid)
      if (process && !this.#scan.isSame(process)) this.#drop(process)
    }
  }

  scanFull(now: number): void {
    this.#startPass(now)
    this.#parts.report.tellsUnchanged = true
    const { files, procRoot } = this.#parts
    const pids = files.list(procRoot)
    if (typeof pids === 'number') {
      this.#withhold(`${procRoot} cannot be listed: ${nameOfErrno(-pids)}`)
      return
    }
    this.#scans++
    this.#restSinceFull?.look([...this.#processes.values()])
    if (this.#scans % membersEvery === 0) this.#cgroups.tellMembers((pid, names) => this.#noteMember(pid, names))
    for (const pid of pids) {
      const process = this.#processes.get(pid)
      if (process) this.#scanKnown(process)
      else this.#scanNew(pid)
    }
    this.#orphanMakers.clear()
    for (const process of this.#processes.values()) {
      if (process.seenIn === this.#scans) continue
      this.#drop(process)
      this.#orphanMakers.add(process.pid)
    }
    for (const pid of this.#born.keys()) if (this.#processes.has(pid)) this.#born.delete(pid)
    this.#finishDescriptors('full')
    this.#locks?.finishPass(this.#processes.values(), true)
    this.#parts.report.partitions = this.#cgroups.read()
    this.#readSystem(true)
    if (files.takeStarved()) this.#withhold('processes could not be looked at: descriptors ran out')
    else this.#parts.degrading.recovered('inventory')
  }

  /** Who was not seen in this pass may live all the same. */
  #withhold(reason: string): void {
    this.#parts.report.isWhole = false
    this.#parts.degrading.degraded('inventory', reason)
  }

  scanFast(now: number, bornBefore: number): void {
    this.#startPass(now)
    this.#parts.report.tellsUnchanged = false
    this.#lockScope.length = 0
    if (this.plan.armsProcesses) this.#scanArmed()
    this.#scanNewborns(bornBefore)
    this.#finishDescriptors('fast')
    this.#locks?.finishPass(this.#lockScope, false)
    if (this.plan.system) this.#readSystem(false)
  }

  #startPass(now: number): void {
    this.#scan.startPass(now, readAgeTicks(this.#parts.files, this.#uptime))
  }

  #finishDescriptors(kind: 'fast' | 'full'): void {
    this.#descriptors.finishPass(kind, (process) => this.#processes.get(process.pid) === process && !process.zombie)
  }

  /** Gives back what is held open besides the kept files. */
  close(): void {
    this.#descriptors.close()
    this.#stats?.close()
  }

  #readSystem(maxima: boolean): void {
    const reading = this.#systemReader.read(maxima)
    if (typeof reading === 'string') this.#parts.degrading.degraded('system', reading)
    else {
      this.#parts.degrading.recovered('system')
      this.#parts.report.system = reading
    }
  }

  #drop(process: TrackedProcess): void {
    process.forget(this.#parts.files)
    this.#processes.delete(process.pid)
  }

  // ---- full ----

  #scanNew(pid: number): void {
    const process = new TrackedProcess(pid, this.#parts.procRoot)
    this.#parts.report.mark()
    process.seenIn = this.#scans
    this.#processes.set(pid, process)
    this.#scanWhole(process, { ran: true, turn: true, thorough: true, deep: true })
  }

  #scanKnown(process: TrackedProcess): void {
    const { report } = this.#parts
    report.mark()
    process.seenIn = this.#scans
    this.#scan.wantStacks(process)
    const rests = this.#scan.rests(process)
    const ran =
      !rests && (this.#scan.readSchedules(process, this.plan.maskOf(process.pid) !== 0) || process.ranSinceWhole)
    const deep = (this.#scans + process.pid) % deepEvery === 0
    const turn = (this.#scans + process.pid) % turnEvery === 0
    const orphaned = this.#orphanMakers.size > 0 && this.#orphanMakers.has(process.facts?.parent ?? 0)
    const thorough = process.factsStale || deep || orphaned || (ran && turn)
    if (ran || thorough || turn) {
      this.#scanWhole(process, { ran, turn, thorough, deep })
      return
    }
    if (process.zombie) return
    this.#scan.tellRest(process)
    report.confirm(process.pid)
    this.#takeInventory(process)
  }

  /** Everything that changed since it was read last. A process that is gone is dropped; one whose pid has another is begun anew. */
  #scanWhole(process: TrackedProcess, depth: Omit<Depth, 'plan'>): void {
    if (this.#scan.readWhole(process, { ...depth, plan: this.plan.maskOf(process.pid) })) {
      if (process.zombie) return
      if (depth.thorough) this.#lookForPartition(process)
      if (!depth.ran) this.#parts.report.confirm(process.pid)
      this.#takeInventory(process)
      return
    }
    this.#scan.takeBack(process)
    const former = process.facts
    this.#drop(process)
    if (former !== null && !this.#scan.isSame(process)) this.#scanNew(process.pid)
  }

  /** A process that was told to be elsewhere has moved. */
  #noteMember(pid: number, names: readonly string[]): void {
    const process = this.#processes.get(pid)
    const told = process?.facts?.partition
    if (!process || !told) return
    if (told.length !== names.length || told.some((name, place) => name !== names[place])) process.factsStale = true
  }

  #lookForPartition(process: TrackedProcess): void {
    const partition = process.facts?.partition
    if (partition && !this.#cgroups.has(partition)) this.#cgroups.walkSoon()
  }

  #takeInventory(process: TrackedProcess): void {
    const { report } = this.#parts
    let living = 0
    for (const { dead } of process.threads) if (!dead) living++
    report.inventory(process.pid)
    report.inventory(process.facts?.startTicks ?? 0)
    report.inventory(living)
    for (const { tid, dead } of process.threads) if (!dead) report.inventory(tid)
  }

  // ---- fast ----

  #scanArmed(): void {
    const { listed } = this.plan
    const armed = listed === null ? [...this.#processes.values()] : this.#known(listed)
    // Those not asked are looked at, whatever the full scan found.
    for (const process of armed) process.atRest = false
    this.#restSinceFast?.look(armed.filter((process) => this.#isCheaperAsked(process)))
    for (const process of armed) this.#scanFastOne(process)
  }

  #known(pids: Iterable<number>): TrackedProcess[] {
    return [...pids].flatMap((pid) => this.#processes.get(pid) ?? [])
  }

  /** To ask of the process whether it ran costs less than to look at each of its threads. */
  #isCheaperAsked({ pid, threads, zombie }: TrackedProcess): boolean {
    return !zombie && threads.length >= askedThreadsMin && (this.plan.maskOf(pid) & ranMask) !== 0
  }

  #scanFastOne(process: TrackedProcess): void {
    const mask = this.plan.maskOf(process.pid)
    if (mask === 0 || process.zombie) return
    this.#parts.report.mark()
    if (this.#scan.readFast(process, mask)) {
      if ((mask & locksBit) !== 0) this.#lockScope.push(process)
      return
    }
    this.#scan.takeBack(process)
    // The next full scan tells whether it is gone, or ends.
    process.listStale = true
  }

  // ---- newborn ----

  #scanNewborns(bornBefore: number): void {
    let left = newbornsAtOnceMax
    for (const [pid, at] of this.#born) {
      if (at > bornBefore || left-- === 0) return
      this.#born.delete(pid)
      if (this.#processes.has(pid)) continue
      this.#scanNew(pid)
      const process = this.#processes.get(pid)
      if (process) this.#lockScope.push(process)
    }
  }
}

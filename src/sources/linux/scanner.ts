/** The passes over /proc: the full scan, the fast one, and the reading of newborn processes. */

import { CgroupReader } from './cgroup-reader.ts'
import { KeptFile, type KeptFiles } from './kept-files.ts'
import type { KernelAbilities } from './kernel-abilities.ts'
import { listNumbers } from './process-reader.ts'
import { type Depth, ProcessScan } from './process-scan.ts'
import type { ScanCommand } from './protocol.ts'
import type { ReportBuilder } from './report-builder.ts'
import { ScanPlan } from './scan-plan.ts'
import { ProcessRecord } from './scan-records.ts'
import { readAgeTicks, SystemReader } from './system-reader.ts'

// Others can change what a process is while it rests: each is read in full in one scan of so many, not all in the same.
const thoroughEvery = 10
// Names and priorities of threads at rest, and a list of threads whose length has not changed, are looked at less often still.
const deepEvery = 60
const newbornsAtOnceMax = 200
const newbornsMax = 20_000

export interface Degrading {
  degraded(what: string, reason: string): void
  recovered(what: string): void
}

export interface ScannerParts {
  readonly procRoot: string
  readonly files: KeptFiles
  readonly report: ReportBuilder
  readonly abilities: KernelAbilities
  readonly degrading: Degrading
}

export class Scanner {
  readonly plan = new ScanPlan()
  private readonly parts: ScannerParts
  private readonly processes = new Map<number, ProcessRecord>()
  private readonly born = new Map<number, number>()
  private readonly orphanMakers = new Set<number>()
  private readonly scan: ProcessScan
  private readonly systemReader: SystemReader
  private readonly cgroups: CgroupReader
  private readonly uptime: KeptFile
  private scans = 0

  constructor(parts: ScannerParts) {
    const { files, report, abilities, procRoot } = parts
    this.parts = parts
    this.scan = new ProcessScan(files, report, abilities)
    this.systemReader = new SystemReader(files, procRoot)
    this.cgroups = new CgroupReader(files, abilities.tree)
    this.uptime = new KeptFile(`${procRoot}/uptime`)
  }

  get hasNewborns(): boolean {
    return this.born.size > 0
  }

  hearLives({ born, died }: Extract<ScanCommand, { type: 'lives' }>, now: number): void {
    for (const pid of born) if (this.born.size < newbornsMax) this.born.set(pid, now)
    for (const pid of died) {
      this.born.delete(pid)
      this.orphanMakers.add(pid)
      const process = this.processes.get(pid)
      if (process && !this.scan.isSame(process)) this.drop(process)
    }
  }

  scanFull(now: number): void {
    this.startPass(now)
    this.parts.report.tellsUnchanged = true
    const pids = listNumbers(this.parts.procRoot)
    if (typeof pids === 'number') {
      this.parts.degrading.degraded('inventory', `${this.parts.procRoot} cannot be listed`)
      return
    }
    this.parts.degrading.recovered('inventory')
    this.scans++
    this.cgroups.tellMembers((pid, names) => this.noteMember(pid, names))
    for (const pid of pids) {
      const process = this.processes.get(pid)
      if (process) this.scanKnown(process)
      else this.scanNew(pid)
    }
    for (const process of this.processes.values()) if (process.seenIn !== this.scans) this.drop(process)
    for (const pid of this.born.keys()) if (this.processes.has(pid)) this.born.delete(pid)
    this.orphanMakers.clear()
    this.parts.report.partitions = this.cgroups.read()
    this.readSystem(true)
  }

  scanFast(now: number, bornBefore: number): void {
    this.startPass(now)
    this.parts.report.tellsUnchanged = false
    if (this.plan.armsProcesses) this.scanArmed()
    this.scanNewborns(bornBefore)
    if (this.plan.system) this.readSystem(false)
  }

  private startPass(now: number): void {
    this.scan.startPass(now, readAgeTicks(this.parts.files, this.uptime))
  }

  private readSystem(maxima: boolean): void {
    const reading = this.systemReader.read(maxima)
    if (typeof reading === 'string') this.parts.degrading.degraded('system', reading)
    else {
      this.parts.degrading.recovered('system')
      this.parts.report.system = reading
    }
  }

  private drop(process: ProcessRecord): void {
    process.forget(this.parts.files)
    this.processes.delete(process.pid)
  }

  // ---- full ----

  private scanNew(pid: number): void {
    const process = new ProcessRecord(pid, this.parts.procRoot)
    this.parts.report.mark()
    process.seenIn = this.scans
    this.processes.set(pid, process)
    this.scanWhole(process, { ran: true, thorough: true, deep: true })
  }

  private scanKnown(process: ProcessRecord): void {
    const { report } = this.parts
    report.mark()
    process.seenIn = this.scans
    const thorough =
      process.factsStale ||
      (this.scans + process.pid) % thoroughEvery === 0 ||
      (this.orphanMakers.size > 0 && this.orphanMakers.has(process.facts?.parent ?? 0))
    this.scan.wantStacks(process)
    const ran = this.scan.readSchedules(process, this.isArmed(process))
    if (ran || thorough) {
      this.scanWhole(process, { ran, thorough, deep: (this.scans + process.pid) % deepEvery === 0 })
      return
    }
    if (process.zombie) return
    this.scan.tellRest(process)
    report.confirm(process.pid)
    this.takeInventory(process)
  }

  private isArmed(process: ProcessRecord): boolean {
    return this.plan.maskOf(process.pid) !== 0
  }

  /** Everything that changed since it was read last. A process that is gone is dropped; one whose pid has another is begun anew. */
  private scanWhole(process: ProcessRecord, depth: Omit<Depth, 'armed'>): void {
    if (this.scan.readWhole(process, { ...depth, armed: this.isArmed(process) })) {
      if (process.zombie) return
      if (depth.thorough) this.lookForPartition(process)
      if (!depth.ran) this.parts.report.confirm(process.pid)
      this.takeInventory(process)
      return
    }
    this.scan.takeBack(process)
    const former = process.facts
    this.drop(process)
    if (former !== null && !this.scan.isSame(process)) this.scanNew(process.pid)
  }

  /** A process that was told to be elsewhere has moved. */
  private noteMember(pid: number, names: readonly string[]): void {
    const process = this.processes.get(pid)
    const told = process?.facts?.partition
    if (!process || !told) return
    if (told.length !== names.length || told.some((name, place) => name !== names[place])) process.factsStale = true
  }

  private lookForPartition(process: ProcessRecord): void {
    const partition = process.facts?.partition
    if (partition && !this.cgroups.has(partition)) this.cgroups.walkSoon()
  }

  private takeInventory(process: ProcessRecord): void {
    const { report } = this.parts
    let living = 0
    for (const { dead } of process.threads) if (!dead) living++
    report.inventory(process.pid)
    report.inventory(process.facts?.startTicks ?? 0)
    report.inventory(living)
    for (const { tid, dead } of process.threads) if (!dead) report.inventory(tid)
  }

  // ---- fast ----

  private scanArmed(): void {
    const { listed } = this.plan
    if (listed === null) for (const process of this.processes.values()) this.scanFastOne(process)
    else
      for (const pid of listed) {
        const process = this.processes.get(pid)
        if (process) this.scanFastOne(process)
      }
  }

  private scanFastOne(process: ProcessRecord): void {
    const mask = this.plan.maskOf(process.pid)
    if (mask === 0 || process.zombie) return
    this.parts.report.mark()
    if (this.scan.readFast(process, mask)) return
    this.scan.takeBack(process)
    // The next full scan tells whether it is gone, or ends.
    process.listStale = true
  }

  // ---- newborn ----

  private scanNewborns(bornBefore: number): void {
    let left = newbornsAtOnceMax
    for (const [pid, at] of this.born) {
      if (at > bornBefore || left-- === 0) return
      this.born.delete(pid)
      if (this.processes.has(pid)) continue
      this.scanNew(pid)
    }
  }
}

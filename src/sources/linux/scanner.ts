/** The passes over /proc: the full scan, the fast one, and the reading of newborn processes. */

import { CgroupReader } from './cgroup-reader.ts'
import { KeptFile, type KeptFiles } from './kept-files.ts'
import type { KernelAbilities } from './kernel-abilities.ts'
import { listNumbers, ProcessReader } from './process-reader.ts'
import type { ScanCommand } from './protocol.ts'
import type { ReportBuilder } from './report-builder.ts'
import { bitOf, cpuMask, everythingMask, ScanPlan, stackMask, statmMask, threadMask } from './scan-plan.ts'
import { ProcessRecord, type ThreadRecord } from './scan-records.ts'
import { StackReader } from './stack-reader.ts'
import { readAgeTicks, SystemReader } from './system-reader.ts'
import { ThreadReader } from './thread-reader.ts'

// Others can change what a process is while it rests: each is read in full in one scan of so many, not all in the same.
const thoroughEvery = 10
// Names and priorities of threads at rest, and a list of threads whose length has not changed, are looked at less often still.
const deepEvery = 60
const newbornsAtOnceMax = 200
const newbornsMax = 20_000
const ranMask = bitOf('memlock') | bitOf('timers') | threadMask

export interface Degrading {
  degraded(what: string, reason: string): void
  recovered(what: string): void
}

/** How much of a process is read again although it did not run. */
interface Depth {
  /** One of its threads ran, or there is a reason to think so. */
  readonly ran: boolean
  readonly thorough: boolean
  readonly deep: boolean
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
  private readonly stacks: StackReader
  private readonly threadReader: ThreadReader
  private readonly processReader: ProcessReader
  private readonly systemReader: SystemReader
  private readonly cgroups: CgroupReader
  private readonly uptime: KeptFile
  private scans = 0

  constructor(parts: ScannerParts) {
    const { files, report, abilities, procRoot } = parts
    this.parts = parts
    this.stacks = new StackReader(files, report, abilities)
    this.threadReader = new ThreadReader(files, report, this.stacks, abilities)
    this.processReader = new ProcessReader(files, report, abilities)
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
      if (process && !this.processReader.isSame(process)) this.drop(process)
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
    this.threadReader.now = now
    this.threadReader.nowTicks = readAgeTicks(this.parts.files, this.uptime)
    this.stacks.startPass()
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
    if (process.stacksPending && this.stacks.mayReadMaps) this.stacks.wantAgain(process)
    const ran = this.readSchedules(process, this.isArmed(process))
    if (ran || thorough) {
      this.scanWhole(process, { ran, thorough, deep: (this.scans + process.pid) % deepEvery === 0 })
      return
    }
    if (process.zombie) return
    for (const thread of process.threads) if (thread.cpuPermille !== 0) this.threadReader.tellShare(thread)
    report.confirm(process.pid)
    this.takeInventory(process)
  }

  private isArmed(process: ProcessRecord): boolean {
    return this.plan.maskOf(process.pid) !== 0
  }

  /** Everything that changed since it was read last. A process that is gone is dropped; one whose pid has another is begun anew. */
  private scanWhole(process: ProcessRecord, depth: Depth): void {
    if (this.readWhole(process, depth)) {
      if (process.zombie) return
      if (!depth.ran) this.parts.report.confirm(process.pid)
      this.takeInventory(process)
      return
    }
    this.stacks.abandonProcess()
    this.parts.report.takeBack()
    const former = process.facts
    this.drop(process)
    if (former !== null && !this.processReader.isSame(process)) this.scanNew(process.pid)
  }

  private readWhole(process: ProcessRecord, { ran, thorough, deep }: Depth): boolean {
    const armed = this.isArmed(process)
    if (thorough) {
      if (ran) process.denied = false
      if (!this.processReader.readFacts(process, ran)) return false
      this.lookForPartition(process)
    }
    if ((ran || deep) && !this.processReader.readThreads(process, deep)) return false
    if (!this.readThreadsThatRan(process, armed, deep)) return false
    // Another name: most likely it executed another program.
    if (process.factsStale && !this.processReader.readFacts(process, true)) return false
    process.zombie = process.threads.every(({ dead }) => dead)
    if (process.zombie) {
      this.stacks.abandonProcess()
      this.parts.report.takeBack()
      return true
    }
    process.lookThroughLiving(this.parts.files)
    // At rest, its memory may still be reclaimed by the kernel.
    const mask = ran ? everythingMask & ~threadMask : statmMask
    return this.processReader.readValues(process, mask, armed) && this.stacks.finishProcess(process, armed)
  }

  private readThreadsThatRan(process: ProcessRecord, armed: boolean, deep: boolean): boolean {
    for (const thread of process.threads) {
      if (thread.timesRun < 0 && !thread.gone) this.threadReader.readSchedule(thread, armed)
      const read = thread.gone || !this.readThread(process, thread, armed, deep)
      if (!read) continue
      thread.gone = true
      process.listStale = true
      if (thread.isMain) return false
    }
    if (process.listStale) this.removeGone(process)
    return process.threads.length > 0
  }

  /** False where it is gone. */
  private readThread(process: ProcessRecord, thread: ThreadRecord, armed: boolean, deep: boolean): boolean {
    if (thread.ran) {
      if (!this.threadReader.readAll(process, thread, armed)) return false
      if (thread.isMain && thread.facts?.name !== process.facts?.name) process.factsStale = true
      return true
    }
    if (thread.cpuPermille !== 0) this.threadReader.tellShare(thread)
    return !deep || this.threadReader.readName(thread)
  }

  private removeGone(process: ProcessRecord): void {
    for (const thread of process.threads) if (thread.gone) thread.forget(this.parts.files)
    process.threads = process.threads.filter(({ gone }) => !gone)
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
    if (this.readFast(process, mask)) return
    this.stacks.abandonProcess()
    this.parts.report.takeBack()
    // The next full scan tells whether it is gone, or ends.
    process.listStale = true
  }

  private readFast(process: ProcessRecord, mask: number): boolean {
    let processMask = mask & ~threadMask
    if ((mask & ranMask) !== 0) {
      const ran = this.readSchedules(process, true)
      if (!ran) processMask &= ~ranMask
      if (ran && !this.processReader.readThreads(process, false)) return false
      if ((mask & threadMask) !== 0 && !this.readThreadsFast(process, mask)) return false
    }
    return this.processReader.readValues(process, processMask, true) && this.stacks.finishProcess(process, true)
  }

  private readThreadsFast(process: ProcessRecord, mask: number): boolean {
    for (const thread of process.threads) {
      if (thread.timesRun < 0 && !thread.gone) this.threadReader.readSchedule(thread, true)
      if (thread.gone) {
        process.listStale = true
        continue
      }
      if ((mask & cpuMask) !== 0) this.threadReader.tellUse(thread, mask)
      if ((mask & stackMask) !== 0 && thread.ran && !this.threadReader.readStack(process, thread)) {
        thread.gone = true
        process.listStale = true
      }
    }
    return true
  }

  /** Reads how often each thread ran. True where one did, or is gone. */
  private readSchedules(process: ProcessRecord, armed: boolean): boolean {
    let ran = process.listStale
    for (const thread of process.threads) {
      this.threadReader.readSchedule(thread, armed)
      if (thread.gone) process.listStale = true
      if (thread.ran || thread.gone) ran = true
    }
    return ran
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

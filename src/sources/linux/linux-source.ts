/**
 * Mirrors this machine into the kernel state (the live source). Two workers read, this class records. Births and deaths
 * come from the proc connector if the kernel permits it, else from scanning.
 */

import type { Kernel } from '../../kernel/kernel.ts'
import type { ScanFigures, Source, SourceCheck } from '../source.ts'
import type { Periods } from './abilities.ts'
import { LinuxActions } from './actions.ts'
import { SourceDegradations } from './degradations.ts'
import { Faults } from './faults.ts'
import { bootAgeMs } from './native/boot-age.ts'
import { readBootId } from './native/boot-id.ts'
import { pageSize } from './native/libc.ts'
import type { ProcNamespace } from './native/proc-namespace.ts'
import { isHidden } from './native/proc-options.ts'
import { BirthBatch, type BirthsAndDeaths } from './processes/birth-batch.ts'
import { ConnectorLink } from './processes/connector-link.ts'
import { HiddenDegradation } from './processes/hidden-degradation.ts'
import { Inventory } from './processes/inventory.ts'
import { OomKills } from './processes/oom-kills.ts'
import { ProcessRegistry } from './processes/process-registry.ts'
import type { ConnectorMessage, ProcessEvent, ScanMessage, ScanOptions, ScanReport } from './protocol.ts'
import { whyForeign } from './reasons.ts'
import { type ArmedPlan, armedPlan } from './record/armed-plan.ts'
import { ReadingRecorder } from './record/reading-recorder.ts'
import { ThresholdExpiry } from './record/threshold-expiry.ts'
import { findCgroupTree } from './scan/cgroup-tree.ts'
import { ScanHealth } from './scan-health.ts'
import { restartLater, startScanner } from './workers.ts'

export interface LinuxOptions extends ScanOptions {
  /** The periods that the kernel's abilities report; the source updates them. */
  readonly periods: Periods
  /** The pid namespace by whose ids `procRoot` names processes. */
  readonly namespace: ProcNamespace
  /** Signals may be sent to processes, and their rlimits set. */
  readonly allowActions: boolean
  /** ms of Unix time. */
  readonly now: () => number
  readonly onFault: (error: Error) => void
}

export class LinuxSource implements Source {
  readonly name = 'linux'
  readonly periods: Periods
  readonly #options: LinuxOptions
  readonly #kernel: Kernel
  readonly #degradations: SourceDegradations
  readonly #faults: Faults
  readonly #health: ScanHealth
  readonly #registry: ProcessRegistry
  readonly #hidden: HiddenDegradation
  readonly #oomKills: OomKills
  readonly #recorder: ReadingRecorder
  readonly #connector: ConnectorLink
  readonly #births: BirthBatch
  readonly #expiry: ThresholdExpiry
  #scanner: ReturnType<typeof startScanner> | null = null
  #plan: ArmedPlan | null = null
  #planScheduled = false
  #stopping = false
  #onFirstScan: () => void = () => {}
  readonly #rescan = () => this.#scanner?.send({ type: 'rescan' })

  constructor(kernel: Kernel, options: LinuxOptions) {
    const { periods, procRoot, now } = options
    this.#kernel = kernel
    this.#options = options
    this.periods = periods
    const { id: boot, whyNew } = readBootId(procRoot)
    // Read once: setting the wall clock must not change the start times of running processes.
    const bootedAt = now() - bootAgeMs(procRoot, options.namespace)
    this.#degradations = new SourceDegradations(kernel, now)
    if (whyNew !== null) this.#degradations.degrade('boot-id', whyNew)
    this.#faults = new Faults(this.#degradations, options.onFault)
    this.#health = new ScanHealth(options, this.#degradations)
    const tree = findCgroupTree(options.cgroupRoot)
    this.#oomKills = new OomKills(kernel, { procRoot, tree, rescan: this.#rescan })
    this.#registry = new ProcessRegistry(kernel, { boot, bootedAt, isOomKill: (one) => this.#oomKills.wasKilled(one) })
    this.#expiry = new ThresholdExpiry(kernel, options)
    const inventory = new Inventory(kernel, this.#registry, (pid) => options.namespace.isOwn && isHidden(procRoot, pid))
    const { hidden } = inventory
    this.#hidden = new HiddenDegradation({ ...options, kernel, degradations: this.#degradations, hidden })
    this.#recorder = new ReadingRecorder(kernel, { registry: this.#registry, inventory, pageBytes: pageSize() })
    this.#births = new BirthBatch(options.periodMs / 2, (batch) => this.#sendBirths(batch))
    this.#connector = new ConnectorLink({
      ...options,
      degradations: this.#degradations,
      onEvents: (events) => this.#recordEvents(events),
      onLoss: (loss) => this.#recordLoss(loss),
    })
    if (options.allowActions && options.namespace.isOwn) kernel.actions = this.#actions()
  }

  #actions(): LinuxActions {
    return new LinuxActions({
      startTicksOf: (process) => {
        const registered = this.#registry.byPid.get(process.pid)
        return registered?.process === process ? registered.startTicks : null
      },
      onRlimit: (process, name, rlimit) => {
        // If the other rlimits are not known yet, the next reading records them all.
        if (process.rlimits !== null) this.#recorder.recordRlimits(process, { ...process.rlimits, [name]: rlimit })
      },
    })
  }

  async start(): Promise<void> {
    const { namespace, procRoot } = this.#options
    if (namespace.isProc && !namespace.isOwn) this.#degradations.degrade('pid-namespace', whyForeign(procRoot))
    const firstScan = new Promise<void>((resolve) => {
      this.#onFirstScan = resolve
    })
    // Listen before the first scan, so that no birth or death between them goes unseen.
    await this.#connector.listen()
    this.#startScanner()
    await firstScan
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#births.stop()
    this.#expiry.stop()
    await Promise.all([this.#connector.stop(), this.#scanner?.stop()])
  }

  armedChanged(): void {
    if (this.#planScheduled) return
    this.#planScheduled = true
    setImmediate(() => {
      this.#planScheduled = false
      this.#sendPlan()
      this.#expiry.check()
    })
  }

  /** Advances the kernel's time only: readings come when a scan is recorded. */
  catchUp(): void {
    this.#kernel.update(this.#options.now(), () => {})
  }

  scanAge(): number | null {
    return this.#health.ageMs()
  }

  ready(): boolean {
    return this.#health.isReady()
  }

  faults(): number {
    return this.#faults.count
  }

  scans(): readonly ScanFigures[] {
    return this.#health.figures({ isArmed: this.#isArmed() })
  }

  checks(): readonly SourceCheck[] {
    const isArmed = this.#isArmed()
    return [this.#connector.check(), ...this.#health.checks({ isArmed }), ...this.#degradations.checks()]
  }

  degraded(): readonly string[] {
    return this.#degradations.names()
  }

  #isArmed(): boolean {
    const { everyMask, system, masks } = this.#plan?.command ?? { everyMask: 0, system: false, masks: new Map() }
    return everyMask !== 0 || system || masks.size > 0
  }

  // ---- births and deaths ----

  #recordEvents(events: readonly ProcessEvent[]): void {
    this.#oomKills.startEvents(events)
    for (const event of events) this.#faults.guard('births', () => this.#recordEvent(event), this.#rescan)
    this.#oomKills.finishEvents()
    this.#registry.releaseWaiting(this.#options.now())
    this.#births.schedule()
    this.#requestReread()
    this.#expiry.check()
  }

  #recordEvent(event: ProcessEvent): void {
    if (event.what === 'exec' && this.#prepareExec(event.pid)) this.#births.addBirth(event.pid)
    const change = this.#registry.record(event)
    if (change === 'born') {
      this.#births.addBirth(event.pid)
      this.#recorder.recordBirth(event.pid)
    } else if (change === 'died') this.#births.addDeath(event.pid)
  }

  /** If the leader had ended, the exec makes another one, of which nothing is recorded. True: read it soon. */
  #prepareExec(pid: number): boolean {
    const process = this.#registry.byPid.get(pid)?.process
    if (process !== undefined && !process.threads.has(pid)) this.#recorder.unrecorded.add(pid, pid)
    return this.#recorder.demands.forgetCmdline(process)
  }

  /** Requests readings in place of those that came too early to be recorded. */
  #requestReread(): void {
    const threads = this.#recorder.unrecorded.takeRegistered()
    if (threads.length > 0) this.#scanner?.send({ type: 'reread', threads })
  }

  #sendBirths({ born, died }: BirthsAndDeaths): void {
    this.#scanner?.send({ type: 'births', born, died })
    if (born.length > 0 && this.#plan?.followsPartitions) this.#sendPlan()
  }

  #recordLoss({ count, from, to, why }: Extract<ConnectorMessage, { type: 'lost' }>): void {
    const data = { count, from: new Date(from).toISOString(), to: new Date(to).toISOString(), why }
    const emit = () => this.#kernel.emit('events.lost', { subject: '/sys/proc', about: [], data })
    this.#faults.guard('births', () => this.#kernel.update(this.#options.now(), emit), this.#rescan)
    this.#oomKills.loseEvents()
    this.#rescan()
  }

  // ---- scans ----

  #startScanner(): void {
    const { procRoot, cgroupRoot, periodMs, fullPeriodMs, idleBudget, armedBudget, clockOffset } = this.#options
    this.#scanner = startScanner(
      { procRoot, cgroupRoot, periodMs, fullPeriodMs, idleBudget, armedBudget, clockOffset },
      (message) => this.#take(message),
      (error) => this.#scannerFailed(error),
    )
    this.#sendPlan()
  }

  #scannerFailed(error: Error): void {
    this.#options.onFault(error)
    this.#degradations.degrade('scan', `the scan worker ended: ${error.message}`)
    restartLater(
      () => this.#startScanner(),
      () => this.#stopping,
    )
  }

  #sendPlan(): void {
    this.#plan = armedPlan(this.#kernel)
    this.#scanner?.send(this.#plan.command)
    this.#recorder.demands.replace(this.#plan.command)
    // With nothing armed, no armed scan can be late.
    if (!this.#isArmed()) this.#degradations.recover('armed-scan-lag')
  }

  #take(message: ScanMessage): void {
    const restart = () => this.#scanner?.send({ type: 'restart' })
    this.#faults.guard('readings', () => this.#handle(message), restart)
  }

  #handle(message: ScanMessage): void {
    if (message.type === 'degraded') this.#degradations.degrade(message.what, message.reason)
    else if (message.type === 'recovered') this.#degradations.recover(message.what)
    else this.#record(message)
  }

  #record(report: ScanReport): void {
    const isFirst = this.#connector.isQueueing
    try {
      this.#recordReport(report, isFirst)
    } finally {
      this.#finishReport(report, isFirst)
    }
  }

  #recordReport(report: ScanReport, isFirst: boolean): void {
    this.#kernel.update(this.#options.now(), () => {
      const admitted = this.#recorder.recordInventory(report, {
        certain: isFirst || !this.periods.birthsReported,
        silent: isFirst,
      })
      this.#recorder.recordUsage(report)
      this.#oomKills.note(report)
      if (report.kind === 'full') this.#registry.reportLeftOut(report.finishedAt)
      // Thread states are known up to the end of this report, so a wait that ended before it raises no warning.
      this.#kernel.timers.expire(report.finishedAt)
      // Readings from before these processes were registered were not recorded, so the worker reads them again.
      if (admitted.length > 0 && !isFirst) this.#scanner?.send({ type: 'births', born: admitted, died: [] })
    })
    this.#requestReread()
    this.#registry.releaseWaiting(report.finishedAt)
    // Processes may have moved into or out of a partition with a threshold.
    if (report.processes.length > 0 && this.#plan?.followsPartitions) this.armedChanged()
    this.#faults.recorded(report)
    if (report.inventory !== null) this.#hidden.check()
  }

  #finishReport(report: ScanReport, isFirst: boolean): void {
    this.#expiry.check()
    this.#health.note(report, this.#plan?.armedBy ?? null)
    if (!isFirst || report.inventory === null) return
    this.#connector.release()
    this.#onFirstScan()
  }
}

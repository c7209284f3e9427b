/**
 * The live source: mirrors this machine into the kernel state. Two workers read, this class records. Births and
 * deaths come from the proc connector where the kernel lets us listen, else from scanning.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { durationText } from '../../base/duration.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { type ScanFigures, type Source, type SourceCheck, SourceError } from '../source.ts'
import type { Periods } from './abilities.ts'
import { LinuxActions } from './actions.ts'
import { parsePageSize } from './parse/auxv.ts'
import { Inventory } from './processes/inventory.ts'
import { ProcessRegistry } from './processes/process-registry.ts'
import type { ConnectorMessage, ProcessEvent, ScanMessage, ScanOptions, ScanReport } from './protocol.ts'
import { type ArmedPlan, armedPlan } from './record/armed-plan.ts'
import { ReadingRecorder } from './record/reading-recorder.ts'
import { ThresholdExpiry } from './record/threshold-expiry.ts'
import { startConnector, startScanner } from './workers.ts'

export interface LinuxOptions extends ScanOptions {
  /** What the kernel's abilities were made with: the source keeps them up to date. */
  readonly periods: Periods
  /** Signals may be sent to processes, and their rlimits set. */
  readonly allowActions: boolean
  /** ms of Unix time. */
  readonly now: () => number
  readonly onFault: (error: Error) => void
}

const restartAfterMs = 1_000
/** A period stretched past this many times what was asked for is told as lag; back under the other, as recovered. */
const lagging = 4
const recovered = 2

export class LinuxSource implements Source {
  readonly name = 'linux'
  readonly periods: Periods
  readonly #options: LinuxOptions
  readonly #kernel: Kernel
  readonly #lives: ProcessRegistry
  readonly #readings: ReadingRecorder
  #connector: ReturnType<typeof startConnector> | null = null
  #scanner: ReturnType<typeof startScanner> | null = null
  #plan: ArmedPlan | null = null
  #planDue = false
  #stopping = false
  /** Not yet told to the scan worker. */
  readonly #born = new Set<number>()
  #died: number[] = []
  readonly #expiry: ThresholdExpiry
  #livesDue: NodeJS.Timeout | null = null
  /** Told before the first scan was recorded: they wait for it. */
  #early: ProcessEvent[] | null = []
  #refusal: string | null = null
  #lastFull: ScanReport | null = null
  #lastFast: ScanReport | null = null
  readonly #degraded = new Map<string, string>()
  #onFirstScan: () => void = () => {}

  constructor(kernel: Kernel, options: LinuxOptions) {
    this.#kernel = kernel
    this.#options = options
    this.periods = options.periods
    const boot = readProc(options.procRoot, 'sys/kernel/random/boot_id').slice(0, 6)
    // Once: a wall clock that is set must not make the same process look as if it had begun at another time.
    const bootedAt = options.now() - Number.parseFloat(readProc(options.procRoot, 'uptime')) * 1000
    const pageBytes = parsePageSize(readFileSync('/proc/self/auxv')) ?? 4096
    this.#lives = new ProcessRegistry(kernel, { boot, bootedAt })
    this.#expiry = new ThresholdExpiry(kernel, options)
    const inventory = new Inventory(kernel, this.#lives)
    this.#readings = new ReadingRecorder(kernel, { lives: this.#lives, inventory, pageBytes })
    if (options.allowActions) kernel.actions = this.#actions()
  }

  #actions(): LinuxActions {
    return new LinuxActions({
      startTicksOf: (process) => {
        const life = this.#lives.byPid.get(process.pid)
        return life?.process === process ? life.startTicks : null
      },
      onRlimit: (process, name, rlimit) => {
        // Where the others are not known either, the next reading tells them all.
        if (process.rlimits !== null) this.#readings.recordRlimits(process, { ...process.rlimits, [name]: rlimit })
      },
    })
  }

  async start(): Promise<void> {
    const firstScan = new Promise<void>((resolve) => {
      this.#onFirstScan = resolve
    })
    // First the listening, then the looking: nothing is born or ends between them unseen.
    await this.#listen()
    this.#scan()
    await firstScan
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#livesDue !== null) clearTimeout(this.#livesDue)
    this.#expiry.stop()
    await Promise.all([this.#connector?.stop(), this.#scanner?.stop()])
  }

  armedChanged(): void {
    if (this.#planDue) return
    this.#planDue = true
    setImmediate(() => {
      this.#planDue = false
      this.#sendPlan()
      this.#expiry.look()
    })
  }

  /** What has been read since is as old as it was. */
  catchUp(): void {
    this.#tell(() => {})
  }

  scanAge(): number | null {
    return this.#lastFull === null ? null : Math.max(0, this.#options.now() - this.#lastFull.finishedAt)
  }

  ready(): boolean {
    const age = this.scanAge()
    return age !== null && age < 5_000 + 5 * this.periods.fullMs
  }

  checks(): readonly SourceCheck[] {
    const { birthsReported, fullMs } = this.periods
    const inventory = birthsReported
      ? { name: 'inventory', ok: true, detail: 'births and deaths are told by the proc connector' }
      : {
          name: 'inventory',
          ok: false,
          detail: `polling every ${durationText(fullMs)}, short-lived processes go unseen: ${this.#refusal ?? 'the connector is not up'}`,
        }
    const degraded = [...this.#degraded].map(([name, detail]) => ({ name, ok: false, detail }))
    return [inventory, ...this.#scanChecks(), ...degraded]
  }

  scans(): readonly ScanFigures[] {
    const { periodMs, fullPeriodMs, now } = this.#options
    const figures = (kind: ScanFigures['kind'], report: ScanReport | null, askedMs: number): ScanFigures[] => {
      if (report === null) return []
      const { cpuMs, finishedAt } = report
      const lagMs = Math.max(0, report.periodMs - askedMs)
      return [{ kind, ageMs: Math.max(0, now() - finishedAt), periodMs: report.periodMs, lagMs, cpuMs }]
    }
    const armed = this.#isArmed() ? figures('armed', this.#lastFast, periodMs) : []
    return [...figures('full', this.#lastFull, fullPeriodMs), ...armed]
  }

  degraded(): readonly string[] {
    return [...this.#degraded.keys()]
  }

  #scanChecks(): SourceCheck[] {
    const scans = this.scans().map(({ kind, ageMs, periodMs, cpuMs }) => ({
      name: `${kind} scan`,
      ok: kind === 'armed' || this.ready(),
      detail: `${durationText(ageMs)} ago, took ${cpuMs.toFixed(1)}ms of CPU, every ${durationText(periodMs)}`,
    }))
    if (this.#lastFull === null) return [{ name: 'full scan', ok: false, detail: 'none yet' }]
    return scans.length > 1 ? scans : [...scans, { name: 'armed scan', ok: true, detail: 'nothing is armed' }]
  }

  #isArmed(): boolean {
    const { everyMask, system, masks } = this.#plan?.command ?? { everyMask: 0, system: false, masks: new Map() }
    return everyMask !== 0 || system || masks.size > 0
  }

  // ---- the connector ----

  async #listen(): Promise<void> {
    if (this.#options.procRoot !== '/proc') {
      this.#refused(`${this.#options.procRoot} is not /proc, of which the connector tells`)
      return
    }
    let decided: () => void = () => {}
    const decision = new Promise<void>((resolve) => {
      decided = resolve
    })
    const { clockOffset } = this.#options
    this.#connector = startConnector(
      { clockOffset },
      (message) => {
        this.#hear(message)
        decided()
      },
      (error) => {
        decided()
        this.#connectorFailed(error)
      },
    )
    await decision
  }

  #hear(message: ConnectorMessage): void {
    if (message.type === 'listening') {
      this.periods.birthsReported = true
      this.#recover('connector')
    } else if (message.type === 'refused') this.#refused(message.reason)
    else if (message.type === 'events') this.#hearEvents(message.events)
    else this.#hearLoss(message)
  }

  #hearEvents(events: readonly ProcessEvent[]): void {
    if (this.#early !== null) {
      this.#early.push(...events)
      return
    }
    for (const event of events) {
      const change = this.#lives.record(event)
      if (change === 'born') {
        this.#born.add(event.pid)
        this.#readings.recordBirth(event.pid)
      }
      // Born and ended since the scan worker was last told: it need never know.
      else if (change === 'died' && !this.#born.delete(event.pid)) this.#died.push(event.pid)
    }
    if (this.#born.size > 0 || this.#died.length > 0) this.#tellScannerSoon()
    this.#expiry.look()
  }

  /** In a storm of births a message for each would cost more than all else; within a period nothing is late. */
  #tellScannerSoon(): void {
    if (this.#livesDue !== null) return
    this.#livesDue = setTimeout(() => {
      this.#livesDue = null
      const [born, died] = [[...this.#born], this.#died]
      this.#born.clear()
      this.#died = []
      if (born.length > 0 || died.length > 0) this.#scanner?.send({ type: 'lives', born, died })
      if (born.length > 0 && this.#plan?.followsPartitions) this.#sendPlan()
    }, this.#options.periodMs / 2)
  }

  #hearLoss({ count, from, to, why }: Extract<ConnectorMessage, { type: 'lost' }>): void {
    const data = { count, from: new Date(from).toISOString(), to: new Date(to).toISOString(), why }
    this.#tell(() => this.#kernel.emit('events.lost', { subject: '/sys/proc', about: [], data }))
    this.#scanner?.send({ type: 'rescan' })
  }

  #refused(reason: string): void {
    this.periods.birthsReported = false
    this.#refusal = reason
    this.#degrade('connector', `births and deaths are found by polling, short-lived processes go unseen: ${reason}`)
  }

  #connectorFailed(error: Error): void {
    this.#options.onFault(error)
    this.#refused(`the connector worker ended: ${error.message}`)
    this.#restart(() => this.#listen())
  }

  // ---- the scanner ----

  #scan(): void {
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
    this.#degrade('scan', `the scan worker ended: ${error.message}`)
    this.#restart(async () => this.#scan())
  }

  #restart(again: () => Promise<void>): void {
    void delay(restartAfterMs, null, { ref: false }).then(() => (this.#stopping ? undefined : again()))
  }

  #sendPlan(): void {
    this.#plan = armedPlan(this.#kernel)
    this.#scanner?.send(this.#plan.command)
    // Where nothing is armed no scan of it can be late.
    if (!this.#isArmed()) this.#recover('armed-scan-lag')
  }

  #take(message: ScanMessage): void {
    if (message.type === 'degraded') this.#degrade(message.what, message.reason)
    else if (message.type === 'recovered') this.#recover(message.what)
    else this.#record(message)
  }

  #record(report: ScanReport): void {
    const first = this.#early !== null
    const readings = this.#readings
    this.#kernel.update(this.#options.now(), () => {
      const admitted = readings.recordInventory(report, {
        certain: first || !this.periods.birthsReported,
        silent: first,
      })
      readings.recordUsage(report)
      // What threads do is known as of this report, so nobody is warned of for what ended before it.
      this.#kernel.timers.expire(report.finishedAt)
      // What was read of them before they were known to live was not recorded.
      if (admitted.length > 0 && !first) this.#scanner?.send({ type: 'lives', born: admitted, died: [] })
    })
    this.#expiry.look()
    // Some of them may have moved below a threshold, or from below one.
    if (report.processes.length > 0 && this.#plan?.followsPartitions) this.armedChanged()
    this.#notePermissions(report)
    if (report.kind === 'full') {
      // One that could not see all is none to rely on.
      if (report.inventory !== null) this.#lastFull = report
      this.#recover('scan')
    } else this.#lastFast = report
    this.#notePeriods(report)
    if (!first || report.inventory === null) return
    const early = this.#early ?? []
    this.#early = null
    this.#hearEvents(early)
    this.#onFirstScan()
  }

  /** The period grows rather than the CPU time: past a point that is news. */
  #notePeriods({ kind, periodMs }: ScanReport): void {
    const { periodMs: fastMs, fullPeriodMs } = this.#options
    const asked = kind === 'full' ? fullPeriodMs : fastMs
    if (kind === 'full') this.periods.fullMs = periodMs
    else this.periods.fastMs = periodMs
    const name = kind === 'full' ? 'full-scan-lag' : 'armed-scan-lag'
    if (periodMs > asked * lagging) {
      this.#degrade(
        name,
        `reading takes more CPU than budgeted: every ${durationText(periodMs)} instead of ${durationText(asked)}`,
      )
    } else if (periodMs < asked * recovered) this.#recover(name)
  }

  #notePermissions({ unreadable }: ScanReport): void {
    const [denied] = unreadable.filter(({ reason }) => reason.startsWith('permission denied'))
    if (denied === undefined) return
    this.#degrade(
      'permission',
      `some readings of other users' processes are not permitted (first: process ${denied.pid}): ${denied.reason}`,
    )
  }

  #degrade(what: string, reason: string): void {
    const isNews = !this.#degraded.has(what)
    this.#degraded.set(what, reason)
    if (isNews)
      this.#tell(() => this.#kernel.emit('source.degraded', { subject: '/sys', about: [], data: { what, reason } }))
  }

  #recover(what: string): void {
    if (!this.#degraded.delete(what)) return
    this.#tell(() => this.#kernel.emit('source.recovered', { subject: '/sys', about: [], data: { what } }))
  }

  #tell(news: () => void): void {
    this.#kernel.update(this.#options.now(), news)
  }
}

/** @throws SourceError where there is no procfs: then nothing here can work. */
function readProc(procRoot: string, path: string): string {
  try {
    return readFileSync(join(procRoot, path), 'latin1')
  } catch (error) {
    throw new SourceError(`${procRoot} is not a procfs: ${error instanceof Error ? error.message : String(error)}`)
  }
}

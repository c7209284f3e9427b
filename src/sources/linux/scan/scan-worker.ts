/** Scans /proc at two periods in a worker thread, and posts the readings to the main thread. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Clocks, threadCpuMs } from '../native/clocks.ts'
import { ProcFiles } from '../native/proc-files.ts'
import type { ScanCommand, ScanMessage, ScanOptions } from '../protocol.ts'
import { DegradationReports } from './degrading.ts'
import { detectKernelFeatures } from './kernel-features.ts'
import { ReportBuilder } from './report-builder.ts'
import { type PassKind, ScanBudget } from './scan-budget.ts'
import { Scanner } from './scanner.ts'

/** @throws Error outside a worker thread */
function requirePort(): MessagePort {
  if (parentPort === null) throw new Error('scan-worker runs as a worker thread')
  return parentPort
}

const port = requirePort()
const options: ScanOptions = workerData
function post(message: ScanMessage, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}

class ScanLoop {
  readonly #clocks = new Clocks(options.clockOffset)
  readonly #report = new ReportBuilder()
  readonly #budget = new ScanBudget(options)
  readonly #degrading = new DegradationReports(post)
  readonly #files = new ProcFiles()
  readonly #scanner: Scanner
  #timer: NodeJS.Timeout | null = null
  readonly #startedAt = { fast: 0, full: 0 }
  #stopped = false
  #cpuCountedMs = threadCpuMs()

  constructor() {
    const { procRoot, cgroupRoot } = options
    const abilities = detectKernelFeatures(procRoot, cgroupRoot)
    if (abilities.schedstatWorks) this.#degrading.recovered('schedstat')
    else
      this.#degrading.degraded(
        'schedstat',
        'the kernel collects no scheduling statistics: every scan reads every thread',
      )
    const files = this.#files
    const report = this.#report
    const degrading = this.#degrading
    this.#scanner = new Scanner({ procRoot, files, report, abilities, degrading })
  }

  handle(command: ScanCommand): void {
    switch (command.type) {
      case 'plan':
        this.#scanner.replacePlan(command)
        break
      case 'births':
        this.#scanner.applyBirths(command, this.#clocks.now())
        break
      case 'reread':
        this.#scanner.reread(command.threads)
        break
      case 'rescan':
        this.#startedAt.full = Number.NEGATIVE_INFINITY
        break
      case 'restart':
        // Everything is read in the next scan, and not at once: the same fault may come again.
        this.#scanner.restart()
        break
      case 'stop':
        this.#stop()
        return
    }
    this.schedule()
  }

  schedule(): void {
    if (this.#stopped) return
    if (this.#timer) clearTimeout(this.#timer)
    const due = this.#fastWanted ? Math.min(this.#dueAt('full'), this.#dueAt('fast')) : this.#dueAt('full')
    this.#timer = setTimeout(this.#turn, Math.max(0, due - performance.now()))
  }

  readonly #turn = (): void => {
    this.#timer = null
    const now = performance.now()
    if (now >= this.#dueAt('full')) this.#pass('full')
    else if (this.#fastWanted && now >= this.#dueAt('fast')) this.#pass('fast')
    this.schedule()
  }

  get #fastWanted(): boolean {
    return this.#scanner.plan.armed || this.#scanner.hasNewborns
  }

  #dueAt(kind: PassKind): number {
    return this.#startedAt[kind] + this.#budget.periodOf(kind, this.#scanner.plan.armed)
  }

  #pass(kind: PassKind): void {
    this.#startedAt[kind] = performance.now()
    this.#clocks.adjust()
    const startedAt = this.#clocks.now()
    const time = { now: startedAt, bootMs: this.#clocks.bootMs() }
    if (kind === 'full') {
      this.#scanner.scanFull(time)
      this.#reportShortage()
    } else this.#scanner.scanFast(time, startedAt - options.periodMs)
    const cpuMs = this.#takeCpuMs()
    this.#budget.record(kind, cpuMs)
    const periodMs = this.#budget.periodOf(kind, this.#scanner.plan.armed)
    if (kind === 'fast' && this.#report.isEmpty && !this.#scanner.plan.armed) return
    const report = this.#report.finish({ kind, startedAt, finishedAt: this.#clocks.now(), cpuMs, periodMs })
    post(report, [report.values.buffer])
  }

  /** CPU time of this thread since the last pass, so that posting and everything else beside reading counts as well. */
  #takeCpuMs(): number {
    const cpuMs = threadCpuMs()
    const used = cpuMs - this.#cpuCountedMs
    this.#cpuCountedMs = cpuMs
    return used
  }

  #reportShortage(): void {
    const shortage = this.#files.takeShortage()
    if (shortage === null) this.#degrading.recovered('descriptors')
    else this.#degrading.degraded('descriptors', shortage)
  }

  #stop(): void {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    this.#files.closeAll()
    this.#scanner.close()
    port.close()
  }
}

const loop = new ScanLoop()
port.on('message', (command: ScanCommand) => loop.handle(command))
loop.handle({ type: 'rescan' })

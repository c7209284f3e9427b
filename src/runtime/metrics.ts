/**
 * The Prometheus metrics of the service. Pids and tids are never labels, because each value would create a new time
 * series. Names of programs are labels only in groups, which are bounded in number.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { eventTypes, type KernelEvent } from '../kernel/events.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { LimitRow } from '../kernel/limits/limit-row.ts'
import { limits } from '../kernel/limits/table.ts'
import type { GroupOptions } from '../kernel/process-groups.ts'
import type { Reactions } from '../reactions/reactions.ts'
import type { Source } from '../sources/source.ts'
import type { Hub } from '../stream/hub.ts'
import { thresholdStateOf } from '../tree/show.ts'
import { thresholdState } from '../tree/threshold-views.ts'
import { addGroups } from './group-metrics.ts'
import { addJournal, type LogFigures } from './journal-metrics.ts'
import { addWorkers } from './worker-metrics.ts'

export interface MetricsParts extends LogFigures {
  /** The current kernel: the model replaces its kernel when a state is loaded. */
  readonly kernel: () => Kernel
  readonly hub: Hub
  readonly source: Source
  /** Names of everything that is degraded at present. */
  readonly degraded: () => readonly string[]
  /** The webhooks and commands. */
  readonly reactions: Pick<Reactions, 'status'>
  readonly version: string
  /** Null: no metrics of groups. */
  readonly groups: GroupOptions | null
}

/** Default gauges with names of counters, which promtool refuses. The same figures exist by type. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

export class Metrics {
  readonly #registry = new Registry()
  readonly #events: Counter
  readonly #commits: Histogram
  readonly #blocks: Histogram

  constructor({ kernel, hub, source, journal, now, degraded, reactions, version, groups }: MetricsParts) {
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry })
    for (const name of misnamed) this.#registry.removeSingleMetric(name)
    addBuild({ version, source: source.name }, registers)
    this.#events = new Counter({ ...eventsCounter, registers })
    for (const { type } of eventTypes) this.#events.inc({ type }, 0)
    addStreams(hub, registers)
    addThresholds(kernel, registers)
    addScans(source, registers)
    addFaults(source, registers)
    addWorkers(registers)
    if (groups !== null) addGroups(kernel, groups, registers)
    addDegraded(degraded, registers)
    addJournal({ journal, now }, registers)
    addReactions(reactions, registers)
    this.#commits = new Histogram({ ...commitHistogram, registers })
    this.#blocks = new Histogram({ ...blockHistogram, registers })
    for (const [index, row] of limits.entries()) addUsage(kernel, index, row, registers)
  }

  count({ type }: KernelEvent): void {
    this.#events.inc({ type })
  }

  committed(ms: number): void {
    this.#commits.observe(ms / 1000)
  }

  blocked(ms: number): void {
    this.#blocks.observe(ms / 1000)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The text exposition format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }
}

const eventsCounter = {
  name: 'introspectd_events_total',
  help: 'Events emitted, by type',
  labelNames: ['type'],
} as const

const commitHistogram = {
  name: 'introspectd_journal_commit_seconds',
  help: 'Time to write the events of one tick of the event loop; they are published afterwards',
  buckets: [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
}

const blockHistogram = {
  name: 'introspectd_event_loop_blocked_seconds',
  help: 'Times for which the event loop was blocked, with no events sent and no requests answered',
  buckets: [1, 2, 5, 10, 30],
}

function addBuild(labels: { readonly version: string; readonly source: string }, registers: Registry[]): void {
  new Gauge({
    name: 'introspectd_build_info',
    help: 'Always 1; the labels are the version and the source',
    labelNames: ['version', 'source'],
    registers,
  }).set(labels, 1)
}

function addStreams(hub: Hub, registers: Registry[]): void {
  const gauges = [
    ['introspectd_subscribers', 'Streams open: WebSockets and server-sent events', 'size'],
    [
      'introspectd_subscribers_parked',
      'Subscriptions that read from the journal, because they resume or are slow',
      'parked',
    ],
  ] as const
  for (const [name, help, figure] of gauges) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(hub[figure])
      },
    })
  }
}

function addThresholds(kernel: MetricsParts['kernel'], registers: Registry[]): void {
  new Gauge({
    name: 'introspectd_thresholds',
    help: 'Thresholds set, by state',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of thresholdState.options) this.set({ state }, 0)
      const hosted = kernel()
      for (const threshold of hosted.notifier.thresholds()) this.inc({ state: thresholdStateOf(hosted, threshold) })
    },
  })
}

const kind = ['kind'] as const

function addScans(source: Source, registers: Registry[]): void {
  const gauges = [
    ['introspectd_scan_age_seconds', 'Since the last scan of this kind ended', 'ageMs'],
    ['introspectd_scan_period_seconds', 'How often scans of this kind begin at present', 'periodMs'],
    [
      'introspectd_scan_lag_seconds',
      'How much longer that period is than configured, to stay within the CPU budget',
      'lagMs',
    ],
    ['introspectd_scan_cpu_seconds', 'CPU time that the last scan of this kind took', 'cpuMs'],
  ] as const
  for (const [name, help, figure] of gauges) {
    new Gauge({
      name,
      help,
      labelNames: kind,
      registers,
      collect() {
        this.reset()
        for (const scan of source.scans()) this.set({ kind: scan.kind }, scan[figure] / 1000)
      },
    })
  }
}

function addFaults(source: Source, registers: Registry[]): void {
  new Counter({
    name: 'introspectd_source_faults_total',
    help: 'Messages of the workers of the source that could not be recorded',
    registers,
    collect() {
      this.reset()
      this.inc(source.faults())
    },
  })
}

function addDegraded(degraded: MetricsParts['degraded'], registers: Registry[]): void {
  new Gauge({
    name: 'introspectd_source_degraded',
    help: '1 for each part of the service that is degraded at present',
    labelNames: ['what'],
    registers,
    collect() {
      this.reset()
      for (const what of degraded()) this.set({ what }, 1)
    },
  })
}

/** Webhooks and commands, by their names in the settings. */
function addReactions(reactions: MetricsParts['reactions'], registers: Registry[]): void {
  const labelNames = ['kind', 'name'] as const
  const counters = [
    ['introspectd_reaction_delivered_total', 'Events delivered by this webhook or command', 'delivered'],
    ['introspectd_reaction_failures_total', 'Attempts of this webhook or command that failed', 'failures'],
    ['introspectd_reaction_dead_letters_total', 'Events that could not be delivered, and were given up', 'deadLetters'],
  ] as const
  for (const [name, help, figure] of counters) {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const { kind, name, ...figures } of reactions.status()) this.inc({ kind, name }, figures[figure])
      },
    })
  }
  new Gauge({
    name: 'introspectd_reaction_behind',
    help: 'Events after the cursor of this webhook or command, of any type',
    labelNames,
    registers,
    collect() {
      this.reset()
      for (const { kind, name, behind } of reactions.status()) this.set({ kind, name }, behind)
    },
  })
}

/** Prometheus metrics use base units, and their names end with the unit. */
const units: Record<LimitRow['unit'], { suffix: string; factor: number }> = {
  count: { suffix: '', factor: 1 },
  bytes: { suffix: '_bytes', factor: 1 },
  pages: { suffix: '_pages', factor: 1 },
  µs: { suffix: '_seconds_total', factor: 1e-6 },
  permille: { suffix: '_ratio', factor: 1e-3 },
  'bytes/s': { suffix: '_bytes_per_second', factor: 1 },
  '1/s': { suffix: '_per_second', factor: 1 },
}

/** Usage of the whole machine. Unknown usage has no sample. */
function addUsage(kernel: () => Kernel, index: number, row: LimitRow, registers: Registry[]): void {
  if (!row.at.includes('system') || kernel().unmeasurable(row, 'system') !== null) return
  const { suffix, factor } = units[row.unit]
  const stem = row.name.replace(suffix.startsWith('_seconds') ? /-time$/ : /-pages$/, '').replaceAll('-', '_')
  const name = `introspectd_system_${stem}${suffix}`
  const help = `${row.summary}, of the whole machine`
  const read = () => {
    const { notifier, system } = kernel()
    return notifier.read(system, index).value
  }
  // A value that never falls is a counter.
  if (row.includesDead) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        const value = read()
        if (value !== null) this.inc(value * factor)
      },
    })
    return
  }
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.remove()
      const value = read()
      if (value !== null) this.set(value * factor)
    },
  })
}

/**
 * Finds out whether the kernel killed a process because memory ran out. It counts such a kill in the cgroup of the
 * process before it sends SIGKILL, but it names no process. So a kill is attributed only if no other process that
 * SIGKILL has ended can be the one that was counted. Otherwise nobody knows, and the kill is attributed to none.
 */

import { readFileSync } from 'node:fs'
import type { Kernel } from '../../../kernel/kernel.ts'
import { limitIndex } from '../../../kernel/limits/table.ts'
import type { Partition } from '../../../kernel/nodes/partition.ts'
import type { Process } from '../../../kernel/nodes/process.ts'
import type { System } from '../../../kernel/nodes/system.ts'
import { parseOomKills } from '../parse/cgroup-files.ts'
import type { ProcessEvent, ScanReport } from '../protocol.ts'
import { oomFile } from '../scan/cgroup-files.ts'
import type { CgroupTree } from '../scan/cgroup-tree.ts'

type Container = System | Partition

interface Account {
  /** Kills of which the process is known, or no longer awaited. */
  explained: number
  /** The count of a scan. Kills in it that are still not explained a while later are no longer awaited. */
  seen: number
  seenAt: number
}

// A process that holds much memory takes a moment to end. After this time, the next scan gives it up: it may be one
// that the service did not know.
const awaitedMs = 1000
const rescanEveryMs = 1000

export interface OomKillsParts {
  readonly procRoot: string
  readonly tree: CgroupTree
  /** Reads the counts soon, because a threshold watches them. On a slow machine, full scans are seconds apart. */
  readonly rescan: () => void
}

export class OomKills {
  readonly #kernel: Kernel
  readonly #procRoot: string
  readonly #tree: CgroupTree
  readonly #rescan: () => void
  #rescannedAt = Number.NEGATIVE_INFINITY
  readonly #accounts = new WeakMap<Container, Account>()
  /** Counts that were read for the present events: each is later than all of them. Null if there is no count. */
  readonly #counts = new Map<Container, number | null>()
  /** Processes of the present events that SIGKILL ends, and of which `wasKilled` was not called yet. */
  readonly #candidates = new Set<number>()
  #hasBegun = false

  constructor(kernel: Kernel, { procRoot, tree, rescan }: OomKillsParts) {
    this.#kernel = kernel
    this.#procRoot = procRoot
    this.#tree = tree
    this.#rescan = rescan
  }

  /** New events have come, so counts that were read before may be too old. */
  startEvents(events: readonly ProcessEvent[] = []): void {
    this.#counts.clear()
    this.#candidates.clear()
    for (const event of events) if (event.what === 'exit' && event.signal === 'SIGKILL') this.#candidates.add(event.pid)
  }

  /** The events since `startEvents` are recorded. Kills may have been those of processes that nobody knew. */
  finishEvents(): void {
    for (const pid of this.#candidates)
      if (!this.#kernel.processes.has(pid)) {
        this.#giveUp()
        break
      }
    this.#candidates.clear()
  }

  /** Events were lost. The ends of processes that were killed may be among them. */
  loseEvents(): void {
    this.startEvents()
    this.#giveUp()
  }

  /** Takes over the counts of a full scan. Kills before the first scan are not awaited. */
  note({ system, partitions, finishedAt }: Pick<ScanReport, 'system' | 'partitions' | 'finishedAt'>): void {
    if (partitions === null) return
    if (system !== null) this.#noteCount(this.#kernel.system, system.oomKills, finishedAt)
    for (const { names, oomKills } of partitions) {
      const partition = this.#kernel.partition(names)
      if (partition !== null) this.#noteCount(partition, oomKills?.here ?? null, finishedAt)
    }
    this.#hasBegun = true
  }

  #noteCount(container: Container, count: number | null, at: number): void {
    if (count === null) return
    if (!this.#hasBegun) {
      this.#accounts.set(container, { explained: count, seen: count, seenAt: at })
      return
    }
    const account = this.#accountOf(container)
    if (count < account.explained) {
      const present = this.#read(container)
      // The scan read it before the latest kills.
      if (present === null || present >= account.explained) return
      // The cgroup was removed and made again.
      account.explained = 0
    } else if (at - account.seenAt < awaitedMs) return
    else account.explained = Math.max(account.explained, account.seen)
    account.seen = count
    account.seenAt = at
  }

  /** A container that appeared after the first scan has had no kill before. */
  #accountOf(container: Container): Account {
    const account = this.#accounts.get(container) ?? { explained: 0, seen: 0, seenAt: Number.NEGATIVE_INFINITY }
    this.#accounts.set(container, account)
    return account
  }

  /**
   * Whether memory ran out, as far as is sure. Preconditions: the process has ended by SIGKILL, by an event since
   * `startEvents`.
   */
  wasKilled(process: Process): boolean {
    this.#candidates.delete(process.pid)
    // The kernel counts a kill in the machine too.
    if (!this.#hasBegun || this.#riseOf(this.#kernel.system) === 0) return false
    const container = this.#countOf(process.container) === null ? this.#kernel.system : process.container
    // Each other process that ended together with this one may be one of those killed.
    if (this.#ownRiseOf(container) <= this.#candidates.size) {
      this.#giveUp()
      return false
    }
    this.#explain(container)
    this.#rescanIfArmed()
    return true
  }

  /**
   * Awaits no end for the kills up to now. A process has ended by SIGKILL that may be the one killed, in whatever
   * container: it may have moved since the last scan, and the kernel no longer shows where it was.
   */
  #giveUp(): void {
    this.#giveUpIn(this.#kernel.system)
  }

  #giveUpIn(container: Container): void {
    const count = this.#countOf(container)
    if (count !== null) {
      const account = this.#accountOf(container)
      account.explained = Math.max(account.explained, count)
    }
    for (const below of container.partitions.values()) this.#giveUpIn(below)
  }

  /** One kill. It is counted in the machine too, and in version 2 in all cgroups around its own. */
  #explain(container: Container): void {
    const isNested = this.#tree.hierarchy === 'v2'
    for (let at: Container | null = container; at !== null; at = at.parent) {
      if (at !== container && at.level === 'partition' && !isNested) continue
      const account = this.#accountOf(at)
      const explained = account.explained + 1
      // A kill may have been given up here before.
      account.explained = Math.min(explained, Math.max(account.explained, this.#countOf(at) ?? explained))
    }
  }

  /** Null if there is no count. */
  #riseOf(container: Container): number | null {
    const count = this.#countOf(container)
    return count === null ? null : Math.max(0, count - this.#accountOf(container).explained)
  }

  /** The kills not explained that were in the container itself, and not in one below. */
  #ownRiseOf(container: Container): number {
    const rise = this.#riseOf(container) ?? 0
    if (rise === 0) return 0
    if (this.#tree.hierarchy === 'v2') {
      let below = 0
      for (const partition of container.partitions.values()) below += this.#riseOf(partition) ?? 0
      return rise - below
    }
    return container.level === 'system' ? rise - this.#riseBelow(container) : rise
  }

  #riseBelow(container: Container): number {
    let rise = 0
    for (const below of container.partitions.values()) rise += (this.#riseOf(below) ?? 0) + this.#riseBelow(below)
    return rise
  }

  #rescanIfArmed(): void {
    const { notifier, now } = this.#kernel
    if (!notifier.isArmed(limitIndex['oom-kills']) || now < this.#rescannedAt + rescanEveryMs) return
    this.#rescannedAt = now
    this.#rescan()
  }

  #countOf(container: Container): number | null {
    const known = this.#counts.get(container)
    if (known !== undefined) return known
    const count = this.#read(container)
    this.#counts.set(container, count)
    return count
  }

  #read(container: Container): number | null {
    const path = container.level === 'system' ? `${this.#procRoot}/vmstat` : this.#fileOf(container)
    return path === null ? null : readCount(path)
  }

  #fileOf(partition: Partition): string | null {
    const { directory, hierarchy } = this.#tree
    if (directory === null || hierarchy === 'pids') return null
    return `${[directory, ...namesOf(partition)].join('/')}/${oomFile[hierarchy]}`
  }
}

function namesOf({ parent, name }: Partition): string[] {
  return parent.level === 'system' ? [name] : [...namesOf(parent), name]
}

/** Null if the cgroup is gone, or does not count. */
function readCount(path: string): number | null {
  try {
    return parseOomKills(readFileSync(path, 'latin1'))
  } catch {
    return null
  }
}

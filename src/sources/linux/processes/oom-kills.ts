/**
 * Finds out whether the kernel killed a process because memory ran out. It counts such a kill in the cgroup of the
 * process before it sends SIGKILL. So when a process has ended by SIGKILL and the count is higher than the kills found
 * so far, it was one of them.
 */

import { readFileSync } from 'node:fs'
import type { Kernel } from '../../../kernel/kernel.ts'
import { limitIndex } from '../../../kernel/limits/table.ts'
import type { Partition } from '../../../kernel/nodes/partition.ts'
import type { Process } from '../../../kernel/nodes/process.ts'
import type { System } from '../../../kernel/nodes/system.ts'
import { parseOomKills } from '../parse/cgroup-files.ts'
import type { ScanReport } from '../protocol.ts'
import { oomFile } from '../scan/cgroup-files.ts'
import type { CgroupTree } from '../scan/cgroup-tree.ts'

type Container = System | Partition

interface Account {
  /** Kills of which the process is known, or no longer awaited. */
  explained: number
  /** Time of the first scan that saw more kills; null if there were none. */
  moreSince: number | null
}

// A process that holds much memory may take seconds to end. After this time its end was lost, for example because
// the service did not know the process.
const awaitedMs = 10_000
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
  #hasBegun = false

  constructor(kernel: Kernel, { procRoot, tree, rescan }: OomKillsParts) {
    this.#kernel = kernel
    this.#procRoot = procRoot
    this.#tree = tree
    this.#rescan = rescan
  }

  /** New events have come, so counts that were read before may be too old. */
  startEvents(): void {
    this.#counts.clear()
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
      this.#accounts.set(container, { explained: count, moreSince: null })
      return
    }
    const account = this.#accountOf(container)
    // The cgroup was removed and made again.
    if (count < account.explained) account.explained = 0
    if (count === account.explained) account.moreSince = null
    else account.moreSince ??= at
    if (account.moreSince === null || at - account.moreSince <= awaitedMs) return
    account.explained = count
    account.moreSince = null
  }

  /** A container that appeared after the first scan has had no kill before. */
  #accountOf(container: Container): Account {
    const account = this.#accounts.get(container) ?? { explained: 0, moreSince: null }
    this.#accounts.set(container, account)
    return account
  }

  /** Whether memory ran out. Preconditions: the process has ended by SIGKILL, by an event since `startEvents`. */
  wasKilled(process: Process): boolean {
    if (!this.#hasBegun) return false
    const { system } = this.#kernel
    const container = this.#countOf(process.container) === null ? system : process.container
    const count = this.#countOf(container)
    const account = this.#accountOf(container)
    if (count === null || count <= account.explained) return false
    account.explained++
    this.#rescanIfArmed()
    // The kernel counts a kill in the machine too, and in version 2 in all cgroups around its own.
    if (container === system) return true
    this.#accountOf(system).explained++
    if (this.#tree.hierarchy !== 'v2') return true
    for (let above = container.parent; above !== null && above !== system; above = above.parent)
      this.#accountOf(above).explained++
    return true
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
    const path = container.level === 'system' ? `${this.#procRoot}/vmstat` : this.#fileOf(container)
    const count = path === null ? null : readCount(path)
    this.#counts.set(container, count)
    return count
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

/**
 * Lists registered processes that are alive although /proc does not show them, or not enough of them. They have not
 * ended, and their readings are unknown.
 */

import type { Kernel } from '../../../kernel/kernel.ts'
import type { LimitRow } from '../../../kernel/limits/limit-row.ts'
import { limitIndex, limits } from '../../../kernel/limits/table.ts'
import type { Node } from '../../../kernel/nodes/node.ts'
import type { Process } from '../../../kernel/nodes/process.ts'
import { unreadable } from '../../../kernel/observed-usage.ts'
import { scannedLimits } from '../linux-limits.ts'
import type { Unidentified } from '../protocol.ts'

const rows: readonly LimitRow[] = limits
const readOf = { process: readAt('process'), thread: readAt('thread') }

function readAt(level: 'process' | 'thread') {
  return scannedLimits.filter((limit) => rows[limitIndex[limit]]!.home === level)
}

export const notShown = '/proc does not show this process, although it is alive'

export class HiddenProcesses {
  readonly #kernel: Kernel
  readonly #isHidden: (pid: number) => boolean
  #unidentified: ReadonlyMap<number, string> = new Map()
  readonly #found = new Map<number, string>()

  constructor(kernel: Kernel, isHidden: (pid: number) => boolean) {
    this.#kernel = kernel
    this.#isHidden = isHidden
  }

  /** Starts a comparison. @param unidentified Processes that a scan saw and could not identify. */
  start(unidentified: readonly Unidentified[]): void {
    this.#unidentified = new Map(unidentified.map(({ pid, reason }) => [pid, reason]))
    this.#found.clear()
    for (const { pid, reason } of unidentified) this.#found.set(pid, reason)
  }

  isUnidentified(pid: number): boolean {
    return this.#unidentified.has(pid)
  }

  /** Returns whether a registered process that the inventory does not list is alive all the same. */
  admit({ pid }: Process): boolean {
    const reason = this.#unidentified.get(pid) ?? (this.#isHidden(pid) ? notShown : null)
    if (reason === null) return false
    this.#found.set(pid, reason)
    return true
  }

  /** Makes the readings of a hidden process and of its threads unknown. Preconditions: inside an update. */
  hide(process: Process): void {
    const reason = this.#found.get(process.pid) ?? notShown
    for (const limit of readOf.process) this.#lose(process, limit, reason)
    for (const thread of process.threads.values()) for (const limit of readOf.thread) this.#lose(thread, limit, reason)
  }

  #lose(node: Node, limit: (typeof scannedLimits)[number], reason: string): void {
    if (this.#kernel.usage.whyUnreadable(node, limitIndex[limit]) !== reason)
      unreadable(this.#kernel, node, limit, reason)
  }

  /** Number of hidden processes at the last comparison. */
  get count(): number {
    return this.#found.size
  }

  /** A process and its reason; null if none is hidden. */
  get first(): readonly [number, string] | null {
    const [first] = this.#found
    return first ?? null
  }
}

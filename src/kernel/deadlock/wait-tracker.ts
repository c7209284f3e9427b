/**
 * Follows waits as they begin and end, in two graphs. In the proven graph every edge is certain, and any thread of a
 * process may reply to a message which one of them has received. In the suspected graph weak evidence counts too, and
 * only the receiver replies. A thread which is stuck in the proven graph is stuck in the suspected one as well, so the
 * proven graph is searched only when a thread is stuck in the other.
 */

import type { Closing } from '../events/deadlock-fields.ts'
import type { Process } from '../nodes/process.ts'
import type { Thread } from '../nodes/thread.ts'
import type { Lock, Wait } from '../nodes/wait.ts'
import { byPidAndTid, type Wake } from './deadlock.ts'
import { type CheckCause, closing, PendingChecks } from './pending-checks.ts'
import { gone, nobody, WaitGraph } from './wait-graph.ts'
import { WaitNodes } from './wait-nodes.ts'

export interface Woken {
  readonly thread: Thread
  readonly wake: Wake
}

export class WaitTracker {
  readonly #nodes = new WaitNodes()
  readonly proven = new WaitGraph(this.#nodes)
  readonly suspected = new WaitGraph(this.#nodes)
  readonly #pending = new PendingChecks()
  /** Threads that were stuck and do not wait any more. Some of them have ended, so they have no node. */
  readonly #freed: Thread[] = []
  /** Changes which have released a stuck thread. */
  readonly #wakes: Woken[] = []

  // ---- changes ----

  /** A thread has begun to exist. */
  entered(thread: Thread): void {
    const process = this.#nodes.ofProcess(thread.parent)
    this.#nodes.living[process]!++
    if (!this.#isStuck(process)) return
    this.#wakes.push({ thread, wake: { what: 'created' } })
    this.proven.reopen(process)
    this.suspected.reopen(process)
  }

  /** A thread waits, or waits for another object than before, as its `lock` and `wait` say. */
  blocked(thread: Thread, cause: 'blocked' | 'observed' = 'blocked'): void {
    const { lock } = thread
    if (lock !== null) {
      const to = this.#lockNode(lock)
      this.#link(thread, thread.isTimed ? nobody : to, to, cause)
      return
    }
    const { wait } = thread
    if (wait === null) this.unblocked(thread, { what: 'changed' })
    else this.#link(thread, this.#provenEdge(wait), this.#suspectedEdge(wait), cause)
  }

  /** A thread does not wait any more, or its wait is not traced. */
  unblocked(thread: Thread, wake: Wake): void {
    const node = thread.waitNode
    if (node === 0 || this.suspected.next[node] === nobody) return
    if (this.#isStuck(node)) {
      this.#wakes.push({ thread, wake })
      this.#freed.push(thread)
    }
    const from = this.suspected.next[node]!
    this.#letGo(node)
    this.#dropLock(from)
  }

  /**
   * A thread has ended. Nobody can release the objects that it still owns. Threads that waited for the thread itself
   * count as free until the source reports their waits again.
   */
  ended(thread: Thread): void {
    const process = this.#nodes.ofProcess(thread.parent)
    this.unblocked(thread, { what: 'ended' })
    const last = this.#wakes.at(-1)
    if (last?.thread === thread) this.#wakes[this.#wakes.length - 1] = { thread, wake: { what: 'ended' } }
    this.#nodes.living[process]!--
    if (this.proven.firstWaiter[process] !== 0) this.#pending.add(process, thread, 'ended')
    const node = thread.waitNode
    if (node === 0) return
    for (const waiter of this.#waitersOf(node)) {
      if (this.suspected.isLock(waiter)) {
        this.#linkBoth(waiter, gone)
        this.#pending.add(waiter, thread, 'ended')
      } else this.#letGo(waiter)
    }
    this.#nodes.giveBack(node)
  }

  /** A process has ended. Preconditions: `ended` was called for its threads. */
  processEnded(process: Process): void {
    const node = process.waitNode
    if (node === 0) return
    this.proven.reopen(node)
    this.suspected.reopen(node)
    for (const waiter of this.#waitersOf(node)) this.#letGo(waiter)
    this.proven.forget(node)
    this.suspected.forget(node)
    this.#nodes.giveBack(node)
  }

  ownerChanged(lock: Lock): void {
    if (lock.waitNode !== 0) this.#linkLock(lock)
  }

  // ---- results ----

  get isChanged(): boolean {
    return this.#pending.count > 0 || this.isReopened
  }

  /** Whether some threads that were stuck may run again, or have ended. */
  get isReopened(): boolean {
    return this.proven.hasReopened || this.suspected.hasReopened || this.#freed.length > 0
  }

  /** Threads that were stuck and may run again. */
  reconsider(graph: WaitGraph): Thread[] {
    const reopened = graph.hasReopened ? this.threads(graph.decide()) : []
    return this.#freed.length === 0 ? reopened : [...reopened, ...this.#freed]
  }

  /** Finds the threads that the changes of the update have made stuck. */
  examine(): void {
    const pending = this.#pending
    for (let place = 0; place < pending.count; place++) {
      const node = pending.node(place)
      if (!this.#nodes.isUsed(node)) continue
      // An end leaves one thread fewer which may reply. That can prove a deadlock without a new suspected one.
      const isStuck = this.suspected.examine(node)
      if (isStuck || pending.cause(place) === 'ended') this.proven.examine(node)
    }
  }

  /** Forgets the changes of the update, whose events are emitted. */
  clear(): void {
    this.#pending.clear()
    if (this.#freed.length > 0) this.#freed.length = 0
    if (this.#wakes.length > 0) this.#wakes.length = 0
    this.#nodes.recycle()
  }

  /** The last change of this update which the deadlock needed. */
  closingOf(members: readonly Thread[]): Closing {
    const known = this.#pending.closingOf(members)
    if (known !== null) return known
    const woken = this.wakeOf(members)
    return woken === null ? closing('observed', members, null) : closing('released', members, woken.thread)
  }

  /** The change which released these threads: one of them or of their processes, or else the only one there was. */
  wakeOf(members: readonly Thread[]): Woken | null {
    const ofMembers = this.#wakes.findLast(({ thread }) => members.includes(thread))
    const ofProcesses = () =>
      this.#wakes.findLast(({ thread: { parent } }) => members.some((one) => one.parent === parent))
    return ofMembers ?? ofProcesses() ?? (this.#wakes.length === 1 ? this.#wakes[0]! : null)
  }

  // ---- the graphs ----

  #isStuck(node: number): boolean {
    return this.suspected.isStuck(node) || this.proven.isStuck(node)
  }

  #link(thread: Thread, proven: number, suspected: number, cause: CheckCause): void {
    const node = this.#nodes.thread(thread)
    const before = this.suspected.next[node]!
    if (before === suspected && this.proven.next[node] === proven) return
    if (this.#isStuck(node)) this.#wakes.push({ thread, wake: { what: 'changed' } })
    if (this.proven.next[node] !== proven) this.proven.link(node, proven)
    if (before !== suspected) this.suspected.link(node, suspected)
    if (before === nobody) this.#nodes.join(node)
    this.#dropLock(before)
    this.#pending.add(node, thread, cause)
  }

  #linkBoth(node: number, to: number): void {
    this.proven.link(node, to)
    this.suspected.link(node, to)
  }

  /** Stops tracing the wait of a thread. Preconditions: it was traced. */
  #letGo(node: number): void {
    this.#linkBoth(node, nobody)
    this.#nodes.leave(node)
  }

  #waitersOf(node: number): Set<number> {
    return new Set([...this.proven.waitersOf(node), ...this.suspected.waitersOf(node)])
  }

  #provenEdge(wait: Wait): number {
    if (wait.evidence === null) return this.#edge(wait)
    return 'anyOf' in wait && wait.anyOf !== undefined ? this.#nodes.ofProcess(wait.anyOf) : nobody
  }

  #edge(wait: Wait): number {
    if ('releasers' in wait) return this.#nodes.ofProcess(wait.releasers)
    return wait.releaser === null ? gone : this.#nodes.thread(wait.releaser)
  }

  #suspectedEdge(wait: Wait): number {
    if (wait.state === 'REPLY' && wait.likely !== null) return this.#nodes.thread(wait.likely)
    return this.#edge(wait)
  }

  #lockNode(lock: Lock): number {
    if (lock.waitNode !== 0) return lock.waitNode
    const node = this.#nodes.lock(lock)
    this.#linkLock(lock)
    return node
  }

  #linkLock(lock: Lock): void {
    const { waitNode, owner, isAbandoned } = lock
    const to = isAbandoned ? gone : owner === null ? nobody : this.#nodes.thread(owner)
    if (this.suspected.next[waitNode] === to) return
    this.#linkBoth(waitNode, to)
    this.#pending.add(waitNode, owner, 'owner')
  }

  /** Removes a lock from the graph when no thread waits for it any more. */
  #dropLock(node: number): void {
    if (node <= 0 || !this.suspected.isLock(node)) return
    if (this.suspected.firstWaiter[node] !== 0 || this.proven.firstWaiter[node] !== 0) return
    this.#linkBoth(node, nobody)
    this.#nodes.giveBack(node)
  }

  threadAt(node: number): Thread | null {
    return this.#nodes.threadAt(node)
  }

  /** Threads among the nodes, by pid and tid. */
  threads(nodes: readonly number[]): Thread[] {
    return nodes.flatMap((node) => this.#nodes.threadAt(node) ?? []).sort(byPidAndTid)
  }
}

/**
 * Deadlocks: what of the wait-for graph is told. Whoever changes a thread's wait says so here; when the update is whole,
 * `settle` finds who is stuck by it, and tells.
 *
 * There are two graphs of the same threads. In the proven one an edge is certain, and any thread of a process may reply to
 * a message that one of them received. In the suspected one weak evidence counts too, and only the receiver replies: who
 * is stuck in the proven one is so in this. So the proven one is looked at only where somebody is stuck in the other.
 */

import { KernelError } from '../errno.ts'
import type { EventType } from '../events.ts'
import type { Process } from '../objects/process.ts'
import type { Thread } from '../objects/thread.ts'
import { endsAt, knots, ringFrom } from './components.ts'
import {
  byPidAndTid,
  type Closing,
  type Deadlock,
  type DeadlockKind,
  deadlockPath,
  type Suspicion,
  type Wake,
} from './deadlock.ts'
import type { Lock, Wait } from './wait.ts'
import { gone, nobody, WaitGraph } from './wait-graph.ts'
import { WaitNodes } from './wait-nodes.ts'
import { showWaiting } from './waiting.ts'

export interface DeadlockPorts {
  readonly emit: (type: EventType, subject: string, about: readonly string[], data: Record<string, unknown>) => void
  /** Of the next event. */
  readonly nextSequence: () => number
  readonly now: () => number
}

/** A set of threads that keep one another, or one that nobody can release. */
interface Knot {
  readonly members: readonly Thread[]
  readonly isOrphan: boolean
}

/** A knot of the suspected graph. It is told only while it is not proven. */
interface Suspect extends Knot {
  told: Deadlock | null
}

type Cause = 'blocked' | 'observed' | 'ended' | 'owner'

const none: readonly Thread[] = []

const waits: ReadonlySet<Cause> = new Set(['blocked', 'observed'])

/** Of the victims that an event names: the others are only counted. */
const victimsToldMax = 100

export class Deadlocks {
  readonly #ports: DeadlockPorts
  readonly #nodes = new WaitNodes()
  readonly #proven = new WaitGraph(this.#nodes)
  readonly #suspected = new WaitGraph(this.#nodes)
  readonly #all = new Map<number, Deadlock>()
  #lastId = 0
  readonly #provenOf = new Map<Thread, Deadlock>()
  readonly #suspectOf = new Map<Thread, Suspect>()
  /** Processes that a source has found closed, with what was told of each: nothing while it is proven stuck as a whole. */
  readonly #closedSets = new Map<Process, Deadlock | null>()
  #closedSetsChanged = false
  /** Where a walk is to begin, and why; each at the same place. */
  readonly #pending: number[] = []
  readonly #pendingThreads: (Thread | null)[] = []
  readonly #pendingCauses: Cause[] = []
  /** Stuck threads that have ended in this update. */
  readonly #ended: Thread[] = []
  /** What has last set somebody free who was stuck. */
  #wake: { readonly thread: Thread; readonly wake: Wake } | null = null

  constructor(ports: DeadlockPorts) {
    this.#ports = ports
  }

  // ---- what happens ----

  /** A thread lives. */
  entered(thread: Thread): void {
    const process = this.#nodes.ofProcess(thread.parent)
    this.#nodes.living[process]!++
    if (!this.#isStuck(process)) return
    this.#wake = { thread, wake: { what: 'created' } }
    this.#proven.reopen(process)
    this.#suspected.reopen(process)
  }

  /** It waits, or for something else than before, as its `lock` and `wait` say. */
  blocked(thread: Thread, cause: 'blocked' | 'observed' = 'blocked'): void {
    const { lock } = thread
    if (lock !== null) {
      const to = this.#lockNode(lock)
      this.#link(thread, to, to, cause)
      return
    }
    const { wait } = thread
    if (wait === null) this.unblocked(thread, { what: 'changed' })
    else this.#link(thread, wait.evidence === null ? this.#provenEdge(wait) : nobody, this.#suspectedEdge(wait), cause)
  }

  /** It waits no more, or for something that is not traced. */
  unblocked(thread: Thread, wake: Wake): void {
    const node = thread.waitNode
    if (node === 0 || this.#suspected.next[node] === nobody) return
    if (this.#isStuck(node)) this.#wake = { thread, wake }
    const from = this.#suspected.next[node]!
    this.#letGo(node)
    this.#dropLock(from)
  }

  /** It has ended. What it still owns nobody can give up; who waited for itself is to be looked at by the source. */
  ended(thread: Thread): void {
    const process = this.#nodes.ofProcess(thread.parent)
    if (this.#provenOf.has(thread) || this.#suspectOf.has(thread)) {
      this.#ended.push(thread)
      this.#wake = { thread, wake: { what: 'ended' } }
    }
    this.unblocked(thread, { what: 'ended' })
    this.#nodes.living[process]!--
    if (this.#proven.firstWaiter[process] !== 0) this.#begin(process, thread, 'ended')
    const node = thread.waitNode
    if (node === 0) return
    for (const waiter of this.#waitersOf(node)) {
      if (this.#suspected.isLock(waiter)) {
        this.#linkBoth(waiter, gone)
        this.#begin(waiter, thread, 'ended')
      } else this.#letGo(waiter)
    }
    this.#nodes.giveBack(node)
  }

  /** Preconditions: so have its threads. */
  processEnded(process: Process): void {
    const node = process.waitNode
    if (node === 0) return
    this.#proven.reopen(node)
    this.#suspected.reopen(node)
    for (const waiter of this.#waitersOf(node)) this.#letGo(waiter)
    this.#proven.forget(node)
    this.#suspected.forget(node)
    this.#nodes.giveBack(node)
    this.closedSet(process, false, 'ended')
  }

  ownerChanged(lock: Lock): void {
    if (lock.waitNode !== 0) this.#linkLock(lock)
  }

  /**
   * Nothing inside of the process can wake any of its threads, says its source, which has looked at all of them; or that
   * is not so any more.
   */
  closedSet(process: Process, isClosed: boolean, how: 'changed' | 'ended' = 'changed'): void {
    const told = this.#closedSets.get(process)
    if (isClosed === (told !== undefined)) return
    if (isClosed) {
      this.#closedSets.set(process, null)
      this.#closedSetsChanged = true
    } else {
      this.#closedSets.delete(process)
      if (told) this.#resolve(told, { how })
    }
  }

  /** What is proven of all threads of a process is suspected no more. */
  #tellClosedSets(): void {
    this.#closedSetsChanged = false
    for (const [process, told] of this.#closedSets) {
      const members = [...process.threads.values()].sort(byPidAndTid)
      const isProven = members.every((thread) => this.isStuckThread(thread))
      if (isProven && told !== null) {
        this.#resolve(told, { how: 'proven' })
        this.#closedSets.set(process, null)
      } else if (!isProven && told === null) {
        const close: Closing = { what: 'observed', thread: null, state: null, call: null }
        this.#closedSets.set(process, this.#tell('suspected', { members, isOrphan: false }, close, ['closed-set']))
      }
    }
  }

  /**
   * Who waits, as it was saved: what follows from that is found anew, and nothing is told. Preconditions: nothing has
   * happened here yet; `threads` are all that live, and `saved` is what `all` was then.
   * @throws EINVAL what was saved is not what there is
   */
  restore(threads: Iterable<Thread>, saved: readonly Deadlock[]): void {
    const living = [...threads]
    for (const thread of living) this.entered(thread)
    for (const thread of living) if (thread.lock !== null || thread.wait !== null) this.blocked(thread)
    this.#examine()
    this.#clear()
    const known = (kind: DeadlockKind, { members }: Knot): Deadlock => {
      const found = saved.find((each) => each.kind === kind && isSame(each.members, members))
      const names = members.map(({ path }) => path).join(', ')
      if (found === undefined) throw new KernelError('EINVAL', `these are ${kind}, and it is not said so: ${names}`)
      this.#all.set(found.id, found)
      return found
    }
    for (const knot of this.#knots(this.#proven, this.#proven.takeFound())) {
      const deadlock = known(knot.isOrphan ? 'orphaned' : 'detected', knot)
      for (const member of knot.members) this.#provenOf.set(member, deadlock)
    }
    this.#addSuspects(this.#suspected.takeFound(), (knot) =>
      this.isStuckThread(knot.members[0]!) ? null : known('suspected', knot),
    )
    const unfounded = saved.find(({ id }) => !this.#all.has(id))
    if (unfounded !== undefined) throw new KernelError('EINVAL', `deadlock ${unfounded.id} is none, or is there twice`)
    // In the order in which they were told.
    for (const { id } of saved) {
      const deadlock = this.#all.get(id)!
      this.#all.delete(id)
      this.#all.set(id, deadlock)
      this.#lastId = Math.max(this.#lastId, id)
    }
  }

  // ---- what is asked ----

  /** Those that are, the oldest first. */
  all(): Deadlock[] {
    return [...this.#all.values()]
  }

  get(id: number): Deadlock | null {
    return this.#all.get(id) ?? null
  }

  /** Proven never to run again. */
  isStuckThread({ waitNode }: Thread): boolean {
    return this.#proven.isStuck(waitNode)
  }

  /** Stuck, if nobody replies but who received, and weak evidence holds. */
  isSuspectThread({ waitNode }: Thread): boolean {
    return this.#suspected.isStuck(waitNode)
  }

  /** Stuck because the members are, and not members themselves. */
  victimsOf({ kind, members }: Pick<Deadlock, 'kind' | 'members'>): Thread[] {
    const graph = kind === 'suspected' ? this.#suspected : this.#proven
    const nodes = members.map(({ waitNode }) => waitNode).filter((node) => node !== 0)
    return this.#threads(graph.behind(nodes)).filter((thread) => !members.includes(thread))
  }

  // ---- what comes of it ----

  /** Preconditions: the change is whole. */
  settle(): void {
    if (this.#closedSetsChanged && this.#pending.length === 0) this.#tellClosedSets()
    const isReopened = this.#proven.hasReopened || this.#suspected.hasReopened || this.#ended.length > 0
    if (this.#pending.length === 0 && !isReopened) return
    const unproven = isReopened ? this.#reconsider(this.#proven) : none
    const unsuspected = isReopened ? this.#reconsider(this.#suspected) : none
    this.#examine()
    // Most who block are not stuck: for them that was all.
    if (isReopened || this.#proven.hasFound || this.#suspected.hasFound) this.#tellAll(unproven, unsuspected)
    this.#clear()
  }

  #tellAll(unproven: readonly Thread[], unsuspected: readonly Thread[]): void {
    const proven = this.#proven.takeFound()
    const suspects = this.#suspected.takeFound()
    this.#resolveAll(unproven, unsuspected)
    this.#tellProven(proven)
    this.#addSuspects(suspects)
    this.#tellSuspects([...unproven, ...this.#threads(proven), ...this.#threads(suspects)])
    if (this.#closedSets.size > 0) this.#tellClosedSets()
  }

  #clear(): void {
    this.#pending.length = 0
    this.#pendingThreads.length = 0
    this.#pendingCauses.length = 0
    this.#ended.length = 0
    this.#wake = null
    this.#nodes.recycle()
  }

  /** Threads that were stuck, and perhaps are no more; and those that have ended. */
  #reconsider(graph: WaitGraph): Thread[] {
    const reopened = graph.hasReopened ? this.#threads(graph.decide()) : []
    return this.#ended.length === 0 ? reopened : [...reopened, ...this.#ended]
  }

  #examine(): void {
    for (let place = 0; place < this.#pending.length; place++) {
      const node = this.#pending[place]!
      if (!this.#nodes.isUsed(node)) continue
      // Where one fewer may reply, nobody need be stuck in the suspected graph who was not.
      const isStuck = this.#suspected.examine(node)
      if (isStuck || this.#pendingCauses[place] === 'ended') this.#proven.examine(node)
    }
  }

  /** A knot is looked at anew only when somebody in it can run, or has ended: what is left of it is told as another. */
  #resolveAll(unproven: readonly Thread[], unsuspected: readonly Thread[]): void {
    const broken = new Set(unproven.flatMap((thread) => this.#provenOf.get(thread) ?? []))
    for (const thread of unsuspected) {
      const suspect = this.#suspectOf.get(thread)
      if (suspect === undefined) continue
      for (const member of suspect.members) this.#suspectOf.delete(member)
      if (suspect.told !== null) broken.add(suspect.told)
    }
    if (broken.size === 0) return
    const { thread, wake } = this.#wake ?? { thread: null, wake: { what: 'changed' } as const }
    for (const deadlock of [...broken].sort((one, other) => one.id - other.id)) {
      for (const member of deadlock.members) if (this.#provenOf.get(member) === deadlock) this.#provenOf.delete(member)
      const { what: how, errno } = wake
      const by = thread === null ? null : thread.path
      this.#resolve(deadlock, { how, thread: by, ...(errno !== undefined && { errno }) })
    }
  }

  #tellProven(found: readonly number[]): void {
    for (const knot of this.#knots(this.#proven, found)) {
      const deadlock = this.#tell(knot.isOrphan ? 'orphaned' : 'detected', knot, this.#closingOf(knot), [])
      for (const member of knot.members) this.#provenOf.set(member, deadlock)
    }
  }

  #addSuspects(found: readonly number[], toldOf: (knot: Knot) => Deadlock | null = () => null): void {
    for (const knot of this.#knots(this.#suspected, found)) {
      const suspect: Suspect = { ...knot, told: toldOf(knot) }
      for (const member of knot.members) this.#suspectOf.set(member, suspect)
    }
  }

  /** What is proven is suspected no more, and what is not may be still. */
  #tellSuspects(threads: readonly Thread[]): void {
    const suspects = new Set(threads.flatMap((thread) => this.#suspectOf.get(thread) ?? []))
    for (const suspect of [...suspects].sort(({ members: [one] }, { members: [other] }) => byPidAndTid(one!, other!))) {
      const isProven = this.isStuckThread(suspect.members[0]!)
      if (isProven && suspect.told !== null) {
        const proof = this.#provenOf.get(suspect.members[0]!)
        this.#resolve(suspect.told, { how: 'proven', ...(proof !== undefined && { proven: deadlockPath(proof) }) })
        suspect.told = null
      } else if (!isProven && suspect.told === null)
        suspect.told = this.#tell('suspected', suspect, this.#closingOf(suspect), reasonsOf(suspect.members))
    }
  }

  /** In the order of their first members. */
  #knots(graph: WaitGraph, found: readonly number[]): Knot[] {
    const orphans = found
      .filter((node) => endsAt(graph, node))
      .flatMap((node) => this.#nodes.threadAt(node) ?? [])
      .map((thread) => ({ members: [thread], isOrphan: true }))
    const rings = knots(graph, found).map((nodes) => ({ members: this.#inOrder(graph, nodes), isOrphan: false }))
    return [...orphans, ...rings].sort(({ members: [one] }, { members: [other] }) => byPidAndTid(one!, other!))
  }

  #inOrder(graph: WaitGraph, knot: readonly number[]): Thread[] {
    const sorted = this.#threads(knot)
    const ring = ringFrom(graph, sorted[0]!.waitNode)
    return ring === null ? sorted : ring.map((node) => this.#nodes.threadAt(node)!)
  }

  /** The last of what happened in this update that it needed. */
  #closingOf({ members }: Knot): Closing {
    const last = this.#pendingThreads.findLastIndex(
      (thread, place) => waits.has(this.#pendingCauses[place]!) && members.includes(thread!),
    )
    const cause = this.#pendingCauses[last]
    if (cause === 'blocked' || cause === 'observed') return closing(cause, members, this.#pendingThreads[last]!)
    const owners = members.flatMap(({ wait }) => (wait !== null && 'releaser' in wait ? [wait.owner] : []))
    const ends = this.#pendingThreads.filter(
      (thread, place) => thread !== null && this.#pendingCauses[place] === 'ended',
    )
    const ended = ends.findLast((thread) => owners.includes(thread!.path)) ?? ends.at(-1)
    if (ended !== undefined) return closing('ended', members, ended)
    return this.#wake === null ? closing('observed', members, null) : closing('released', members, this.#wake.thread)
  }

  #tell(kind: Deadlock['kind'], { members }: Knot, close: Closing, reasons: readonly Suspicion[]): Deadlock {
    const deadlock = {
      // A state that was loaded may have later ones than the service that loaded it.
      id: Math.max(this.#ports.nextSequence(), this.#lastId + 1),
      kind,
      reasons,
      since: this.#ports.now(),
      closing: close,
      members,
    }
    this.#lastId = deadlock.id
    this.#all.set(deadlock.id, deadlock)
    const victims = this.victimsOf(deadlock)
    this.#ports.emit(`deadlock.${kind}`, deadlockPath(deadlock), aboutOf(members), {
      ...(reasons.length > 0 && { reason: reasons.join(',') }),
      since: new Date(deadlock.since).toISOString(),
      closing: close,
      members: members.map(showWaiting),
      victims: victims.slice(0, victimsToldMax).map(showWaiting),
      victimCount: victims.length,
    })
    return deadlock
  }

  #resolve(deadlock: Deadlock, how: Record<string, unknown>): void {
    const { id, kind, members, since } = deadlock
    this.#all.delete(id)
    this.#ports.emit('deadlock.resolved', deadlockPath(deadlock), aboutOf(members), {
      ...how,
      was: kind,
      since: new Date(since).toISOString(),
      members: members.map(({ path, name }) => ({ path, name })),
      stuck: members.filter((member) => this.isStuckThread(member)).map(({ path }) => path),
    })
  }

  // ---- the graphs ----

  #isStuck(node: number): boolean {
    return this.#suspected.isStuck(node) || this.#proven.isStuck(node)
  }

  #link(thread: Thread, proven: number, suspected: number, cause: Cause): void {
    const node = this.#nodes.thread(thread)
    const before = this.#suspected.next[node]!
    if (before === suspected && this.#proven.next[node] === proven) return
    if (this.#isStuck(node)) this.#wake = { thread, wake: { what: 'changed' } }
    if (this.#proven.next[node] !== proven) this.#proven.link(node, proven)
    if (before !== suspected) this.#suspected.link(node, suspected)
    if (before === nobody) this.#nodes.join(node)
    this.#dropLock(before)
    this.#begin(node, thread, cause)
  }

  #linkBoth(node: number, to: number): void {
    this.#proven.link(node, to)
    this.#suspected.link(node, to)
  }

  /** What the thread waits for is not traced from now on. Preconditions: it was. */
  #letGo(node: number): void {
    this.#linkBoth(node, nobody)
    this.#nodes.leave(node)
  }

  #waitersOf(node: number): Set<number> {
    return new Set([...this.#proven.waitersOf(node), ...this.#suspected.waitersOf(node)])
  }

  #begin(node: number, thread: Thread | null, cause: Cause): void {
    this.#pending.push(node)
    this.#pendingThreads.push(thread)
    this.#pendingCauses.push(cause)
  }

  #provenEdge(wait: Wait): number {
    if ('releasers' in wait) return this.#nodes.ofProcess(wait.releasers)
    return wait.releaser === null ? gone : this.#nodes.thread(wait.releaser)
  }

  #suspectedEdge(wait: Wait): number {
    if (wait.state === 'REPLY' && wait.likely !== null) return this.#nodes.thread(wait.likely)
    return this.#provenEdge(wait)
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
    if (this.#suspected.next[waitNode] === to) return
    this.#linkBoth(waitNode, to)
    this.#begin(waitNode, owner, 'owner')
  }

  /** A lock that nobody waits for any more is no part of the graph. */
  #dropLock(node: number): void {
    if (node <= 0 || !this.#suspected.isLock(node)) return
    if (this.#suspected.firstWaiter[node] !== 0 || this.#proven.firstWaiter[node] !== 0) return
    this.#linkBoth(node, nobody)
    this.#nodes.giveBack(node)
  }

  #threads(nodes: readonly number[]): Thread[] {
    return nodes.flatMap((node) => this.#nodes.threadAt(node) ?? []).sort(byPidAndTid)
  }
}

const isSame = (one: readonly Thread[], other: readonly Thread[]): boolean =>
  one.length === other.length && one.every((thread, place) => thread === other[place])

const closing = (what: Closing['what'], members: readonly Thread[], thread: Thread | null): Closing => {
  const isMember = thread !== null && members.includes(thread)
  return {
    what,
    thread: what === 'observed' ? null : (thread?.path ?? null),
    state: isMember && what === 'blocked' ? (thread.wait?.state ?? null) : null,
    call: isMember && what === 'blocked' ? thread.calling : null,
  }
}

/** Members, and the partitions of their processes. */
const aboutOf = (members: readonly Thread[]): string[] => [
  ...new Set([
    ...members.map(({ path }) => path),
    ...members.flatMap(({ parent }) => (parent.partition === null ? [] : [parent.partition.path])),
  ]),
]

function reasonsOf(members: readonly Thread[]): Suspicion[] {
  const weak = members.flatMap(({ wait }) => wait?.evidence ?? [])
  const isReply = members.some(({ wait }) => wait?.state === 'REPLY')
  return [...new Set<Suspicion>([...weak, ...(isReply ? (['receiver-will-reply'] as const) : [])])].sort()
}

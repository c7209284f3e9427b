/**
 * Turns changes of the wait-for graph into deadlock events. Code which changes the wait of a thread reports that here.
 * When the update is complete, `settle` finds the threads which are stuck and emits the events. All events of one
 * update describe the same instant.
 */

import { KernelError } from '../errno.ts'
import type { Closing } from '../events/deadlock-fields.ts'
import type { Emit, EventData } from '../events.ts'
import type { Process } from '../nodes/process.ts'
import type { Thread } from '../nodes/thread.ts'
import type { Lock } from '../nodes/wait.ts'
import { ClosedSets } from './closed-sets.ts'
import { aboutOf, type Deadlock, type DeadlockKind, deadlockPath, type Suspicion, type Wake } from './deadlock.ts'
import { openedData, resolvedData } from './deadlock-data.ts'
import { byFirstMember, hasSameMembers, type Knot, knotsAmong, suspicionsOf } from './thread-knots.ts'
import { WaitTracker } from './wait-tracker.ts'

export interface DeadlockPorts {
  readonly emit: Emit
  /** Sequence of the next event. */
  readonly nextSequence: () => number
  readonly now: () => number
}

/** A knot of the suspected graph. It is reported only while it is not proven. */
interface Suspect extends Knot {
  reported: Deadlock | null
}

const justSeen: Closing = { what: 'observed', thread: null, state: null, call: null }

const none: readonly Thread[] = []

export class Deadlocks {
  readonly #ports: DeadlockPorts
  readonly #waits = new WaitTracker()
  readonly #all = new Map<number, Deadlock>()
  #lastId = 0
  readonly #provenOf = new Map<Thread, Deadlock>()
  readonly #suspectOf = new Map<Thread, Suspect>()
  readonly #closedSets: ClosedSets

  constructor(ports: DeadlockPorts) {
    this.#ports = ports
    this.#closedSets = new ClosedSets({
      isStuck: (thread) => this.isStuckThread(thread),
      report: (members) => this.#open('suspected', { members, isOrphan: false }, justSeen, ['closed-set']),
      resolve: (reported, how) => this.#resolve(reported, { how }),
    })
  }

  // ---- changes ----

  /** A thread has begun to exist. */
  entered(thread: Thread): void {
    this.#waits.entered(thread)
  }

  /**
   * A thread waits, or waits for another object than before, as its `lock` and `wait` say. Preconditions: the releaser
   * has not ended. Cause `observed`: the wait was seen with other changes of the update, in an unknown order.
   */
  blocked(thread: Thread, cause: 'blocked' | 'observed' = 'blocked'): void {
    this.#waits.blocked(thread, cause)
  }

  /** A thread does not wait any more, or its wait is not traced. */
  unblocked(thread: Thread, wake: Wake): void {
    this.#waits.unblocked(thread, wake)
  }

  ended(thread: Thread): void {
    this.#waits.ended(thread)
  }

  /** Preconditions: so have its threads. */
  processEnded(process: Process): void {
    this.#waits.processEnded(process)
    this.#closedSets.over(process, 'ended')
  }

  /** A lock for which a thread may wait has another owner. */
  ownerChanged(lock: Lock): void {
    this.#waits.ownerChanged(lock)
  }

  /**
   * The source has looked at all threads of a process: nothing inside the process can wake any of them, or that is not
   * so any more.
   */
  closedSet(process: Process, isClosed: boolean): void {
    if (isClosed) this.#closedSets.found(process)
    else this.#closedSets.over(process, 'changed')
  }

  /**
   * Restores saved waits and open deadlocks. Stuck threads are found again, and no event is emitted. Preconditions: no
   * change was reported here yet; `threads` are all which have not ended, and `saved` is the former result of `all`.
   */
  restore(threads: Iterable<Thread>, saved: readonly Deadlock[]): void {
    const living = [...threads]
    for (const thread of living) this.entered(thread)
    for (const thread of living) if (thread.lock !== null || thread.wait !== null) this.blocked(thread)
    this.#waits.examine()
    this.#waits.clear()
    const known = (kind: DeadlockKind, knot: Knot): Deadlock => {
      const found = saved.find((each) => each.kind === kind && hasSameMembers(each, knot))
      const names = knot.members.map(({ path }) => path).join(', ')
      if (found === undefined)
        throw new KernelError('EINVAL', `these threads are ${kind}, but the state has no such deadlock: ${names}`)
      this.#all.set(found.id, found)
      return found
    }
    for (const knot of knotsAmong(this.#waits, this.#waits.proven, this.#waits.proven.takeFound())) {
      const deadlock = known(knot.isOrphan ? 'orphaned' : 'detected', knot)
      for (const member of knot.members) this.#provenOf.set(member, deadlock)
    }
    this.#addSuspects(this.#waits.suspected.takeFound(), (knot) =>
      this.isStuckThread(knot.members[0]!) ? null : known('suspected', knot),
    )
    const unfounded = saved.find(({ id }) => !this.#all.has(id))
    if (unfounded !== undefined)
      throw new KernelError('EINVAL', `deadlock ${unfounded.id} does not follow from the waits, or is there twice`)
    // In the order in which they were reported.
    for (const { id } of saved) {
      const deadlock = this.#all.get(id)!
      this.#all.delete(id)
      this.#all.set(id, deadlock)
      this.#lastId = Math.max(this.#lastId, id)
    }
  }

  // ---- queries ----

  /** Open deadlocks, the oldest first. */
  all(): Deadlock[] {
    return [...this.#all.values()]
  }

  get(id: number): Deadlock | null {
    return this.#all.get(id) ?? null
  }

  /** Whether the thread is proven never to run again. */
  isStuckThread({ waitNode }: Thread): boolean {
    return this.#waits.proven.isStuck(waitNode)
  }

  /** Whether the thread is stuck if only receivers reply and weak evidence is right. */
  isSuspectThread({ waitNode }: Thread): boolean {
    return this.#waits.suspected.isStuck(waitNode)
  }

  /** Deadlocks which block a thread: it is a member or a victim of each. */
  holding(thread: Thread): Deadlock[] {
    return this.all().filter(
      (deadlock) => deadlock.members.includes(thread) || this.victimsOf(deadlock).includes(thread),
    )
  }

  /** Threads which are stuck because the members are, and are no members themselves. */
  victimsOf({ kind, members }: Pick<Deadlock, 'kind' | 'members'>): Thread[] {
    const graph = kind === 'suspected' ? this.#waits.suspected : this.#waits.proven
    const nodes = members.map(({ waitNode }) => waitNode).filter((node) => node !== 0)
    return this.#waits.threads(graph.behind(nodes)).filter((thread) => !members.includes(thread))
  }

  // ---- events ----

  /** Emits the events which follow from the update. Preconditions: the update is complete. */
  settle(): void {
    const waits = this.#waits
    if (waits.isChanged) this.#settleWaits()
    if (this.#closedSets.isChanged) this.#closedSets.report()
  }

  #settleWaits(): void {
    const waits = this.#waits
    const { isReopened, proven, suspected } = waits
    const unproven = isReopened ? waits.reconsider(proven) : none
    const unsuspected = isReopened ? waits.reconsider(suspected) : none
    waits.examine()
    // Most threads which block are not stuck: for them nothing more is to be done.
    if (isReopened || proven.hasFound || suspected.hasFound) this.#emitChanges(unproven, unsuspected)
    waits.clear()
  }

  #emitChanges(unproven: readonly Thread[], unsuspected: readonly Thread[]): void {
    const proven = this.#waits.proven.takeFound()
    const suspects = this.#waits.suspected.takeFound()
    this.#resolveAll(unproven, unsuspected)
    this.#emitProven(proven)
    this.#addSuspects(suspects)
    this.#emitSuspects([...unproven, ...this.#waits.threads(proven), ...this.#waits.threads(suspects)])
    this.#closedSets.report()
  }

  /** Resolves deadlocks in which a thread can run or has ended. Members which are still stuck form another deadlock. */
  #resolveAll(unproven: readonly Thread[], unsuspected: readonly Thread[]): void {
    const broken = new Set(unproven.flatMap((thread) => this.#provenOf.get(thread) ?? []))
    for (const thread of unsuspected) {
      const suspect = this.#suspectOf.get(thread)
      if (suspect === undefined) continue
      for (const member of suspect.members) this.#suspectOf.delete(member)
      if (suspect.reported !== null) broken.add(suspect.reported)
    }
    if (broken.size === 0) return
    for (const deadlock of [...broken].sort((one, other) => one.id - other.id)) {
      for (const member of deadlock.members) if (this.#provenOf.get(member) === deadlock) this.#provenOf.delete(member)
      const woken = this.#waits.wakeOf(deadlock.members)
      const { what: how, errno } = woken?.wake ?? { what: 'changed' }
      this.#resolve(deadlock, { how, thread: woken?.thread.path ?? null, ...(errno !== undefined && { errno }) })
    }
  }

  #emitProven(found: readonly number[]): void {
    for (const knot of knotsAmong(this.#waits, this.#waits.proven, found)) {
      const deadlock = this.#open(
        knot.isOrphan ? 'orphaned' : 'detected',
        knot,
        this.#waits.closingOf(knot.members),
        [],
      )
      for (const member of knot.members) this.#provenOf.set(member, deadlock)
    }
  }

  #addSuspects(found: readonly number[], reportedOf: (knot: Knot) => Deadlock | null = () => null): void {
    for (const knot of knotsAmong(this.#waits, this.#waits.suspected, found)) {
      const suspect: Suspect = { ...knot, reported: reportedOf(knot) }
      for (const member of knot.members) this.#suspectOf.set(member, suspect)
    }
  }

  /** Resolves suspicions which are proven now, and reports those which are not. */
  #emitSuspects(threads: readonly Thread[]): void {
    const suspects = new Set(threads.flatMap((thread) => this.#suspectOf.get(thread) ?? []))
    for (const suspect of [...suspects].sort(byFirstMember)) {
      const isProven = this.isStuckThread(suspect.members[0]!)
      if (isProven && suspect.reported !== null) {
        const proof = this.#provenOf.get(suspect.members[0]!)
        this.#resolve(suspect.reported, { how: 'proven', ...(proof !== undefined && { proven: deadlockPath(proof) }) })
        suspect.reported = null
      } else if (!isProven && suspect.reported === null)
        suspect.reported = this.#open(
          'suspected',
          suspect,
          this.#waits.closingOf(suspect.members),
          suspicionsOf(suspect),
        )
    }
  }

  #open(kind: Deadlock['kind'], { members }: Knot, close: Closing, reasons: readonly Suspicion[]): Deadlock {
    const deadlock = {
      // A loaded state may have later ids than the service which loaded it.
      id: Math.max(this.#ports.nextSequence(), this.#lastId + 1),
      kind,
      reasons,
      since: this.#ports.now(),
      closing: close,
      members,
    }
    this.#lastId = deadlock.id
    this.#all.set(deadlock.id, deadlock)
    const data = openedData(deadlock, this.victimsOf(deadlock))
    const places = { subject: deadlockPath(deadlock), about: aboutOf(members) }
    if (kind === 'suspected')
      this.#ports.emit('deadlock.suspected', { ...places, data: { reason: reasons.join(','), ...data } })
    else this.#ports.emit(`deadlock.${kind}`, { ...places, data })
    return deadlock
  }

  #resolve(deadlock: Deadlock, how: Pick<EventData['deadlock.resolved'], 'how' | 'thread' | 'errno' | 'proven'>): void {
    this.#all.delete(deadlock.id)
    this.#ports.emit('deadlock.resolved', {
      subject: deadlockPath(deadlock),
      about: aboutOf(deadlock.members),
      data: { ...how, ...resolvedData(deadlock, (member) => this.isStuckThread(member)) },
    })
  }
}

/**
 * Collects the changes of the present update in their order: the nodes from which walks of the graph begin, and the
 * reasons. The columns are overwritten and not emptied: an empty array gives up its memory, and most updates would
 * allocate it again.
 */

import type { Closing } from '../events/deadlock-fields.ts'
import type { Thread } from '../nodes/thread.ts'

export type CheckCause = 'blocked' | 'observed' | 'ended' | 'owner'

export class PendingChecks {
  readonly #nodes: number[] = []
  readonly #threads: (Thread | null)[] = []
  readonly #causes: CheckCause[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  add(node: number, thread: Thread | null, cause: CheckCause): void {
    const place = this.#count++
    this.#nodes[place] = node
    this.#threads[place] = thread
    this.#causes[place] = cause
  }

  node(place: number): number {
    return this.#nodes[place]!
  }

  cause(place: number): CheckCause {
    return this.#causes[place]!
  }

  clear(): void {
    // Otherwise threads which have ended would stay in memory.
    for (let place = 0; place < this.#count; place++) this.#threads[place] = null
    this.#count = 0
  }

  /**
   * The change that closed the deadlock: the last wait of a member, otherwise the last end of a thread, preferably of
   * an owner. Null if nothing of this is recorded: then the cause is a thread that was set free.
   */
  closingOf(members: readonly Thread[]): Closing | null {
    for (let place = this.#count - 1; place >= 0; place--) {
      const thread = this.#threads[place]!
      const cause = this.#causes[place]!
      if ((cause === 'blocked' || cause === 'observed') && members.includes(thread))
        return closing(cause, members, thread)
    }
    const owners = members.flatMap(({ wait }) => (wait !== null && 'releaser' in wait ? [wait.owner] : []))
    const ends = this.#threads.filter(
      (thread, place) => place < this.#count && thread !== null && this.#causes[place] === 'ended',
    )
    const ended = ends.findLast((thread) => owners.includes(thread!.path)) ?? ends.at(-1)
    return ended ? closing('ended', members, ended) : null
  }
}

export function closing(what: Closing['what'], members: readonly Thread[], thread: Thread | null): Closing {
  const isMember = thread !== null && members.includes(thread)
  return {
    what,
    thread: what === 'observed' ? null : (thread?.path ?? null),
    state: isMember && what === 'blocked' ? (thread.wait?.state ?? null) : null,
    call: isMember && what === 'blocked' ? thread.calling : null,
  }
}

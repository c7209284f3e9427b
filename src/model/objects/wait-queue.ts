/** Queues threads which wait for the same object: by priority, and at equal priority in the order of arrival. */

import { assert } from '../../kernel/errno.ts'
import type { ModelThread } from './model-thread.ts'

export class WaitQueue {
  first: ModelThread | null = null
  last: ModelThread | null = null
  length = 0

  /** Preconditions: the thread waits in no queue; its `arrival` is set. */
  insert(thread: ModelThread): void {
    assert(thread.queue === null, 'a thread waits in one queue at the most')
    // From the end: most threads have the same priority as those in the queue.
    let before = this.last
    while (before !== null && isBefore(thread, before)) before = before.previous
    const after = before === null ? this.first : before.next
    thread.queue = this
    thread.previous = before
    thread.next = after
    if (before === null) this.first = thread
    else before.next = thread
    if (after === null) this.last = thread
    else after.previous = thread
    this.length++
  }

  remove(thread: ModelThread): void {
    assert(thread.queue === this, 'a thread is removed from the queue in which it waits')
    const { previous, next } = thread
    if (previous === null) this.first = next
    else previous.next = next
    if (next === null) this.last = previous
    else next.previous = previous
    thread.queue = null
    thread.previous = null
    thread.next = null
    this.length--
  }

  *[Symbol.iterator](): Generator<ModelThread> {
    for (let thread = this.first; thread !== null; ) {
      // The loop body may remove the thread.
      const { next } = thread
      yield thread
      thread = next
    }
  }
}

function isBefore(one: ModelThread, other: ModelThread): boolean {
  return one.priority > other.priority || (one.priority === other.priority && one.arrival < other.arrival)
}

/** How a thread waits, as people are told. */

import { described, literal, nullable, object, optional, path, text, time, type ValueOf } from '../fields.ts'
import type { Thread } from '../nodes/thread.ts'

/** A thread that waits: what for, and who could release it. */
export const waiting = object(
  {
    path,
    name: text,
    state: nullable(text),
    object: described(nullable(text), 'The mutex, channel or thread that it waits for; null where not traced'),
    owner: described(nullable(path), 'The thread that has it, or the process any of whose threads may release it'),
    ownerState: optional(described(literal('DEAD'), 'That thread has ended: nobody can release it')),
    likely: optional(described(path, 'Of a message that was received: the thread that did')),
    since: time,
  },
  'Waiting',
)

export type WaitingThread = ValueOf<typeof waiting>

export function showWaiting({ path, name, wait, condition }: Thread): WaitingThread {
  const since = new Date(condition.since).toISOString()
  if (wait === null) return { path, name, state: condition.state, object: null, owner: null, since }
  const { state, object } = wait
  if ('releaser' in wait) {
    const { releaser, owner } = wait
    if (releaser !== null) return { path, name, state, object, owner: releaser.path, since }
    return { path, name, state, object, owner, ownerState: 'DEAD', since }
  }
  const { releasers, likely } = wait
  return { path, name, state, object, owner: releasers.path, ...(likely !== null && { likely: likely.path }), since }
}

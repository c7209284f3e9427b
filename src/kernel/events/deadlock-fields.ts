/**
 * Defines the fields that describe threads that wait, and why: in the events of deadlocks, and in the views of them.
 */

import {
  anyOf,
  described,
  integer,
  literal,
  nullable,
  object,
  oneOf,
  optional,
  pathname,
  text,
  timestamp,
  type ValueOf,
} from '../fields.ts'

/** A thread that waits: what for, and who can release it. */
export const waitingThread = object(
  {
    path: pathname,
    name: text,
    state: nullable(text),
    object: described(nullable(text), 'The mutex, channel or thread that it waits for; null when it is not traced'),
    owner: described(
      nullable(pathname),
      'The thread that owns the object, or the process whose threads can release it',
    ),
    ownerState: optional(
      described(literal('DEAD'), 'Present when the owner has ended, so that no thread can release the object'),
    ),
    likely: optional(described(pathname, 'The thread that received the message, and will most likely reply')),
    since: timestamp,
  },
  'Waiting',
)

export type WaitingThread = ValueOf<typeof waitingThread>

/** Why a chain of waiting threads goes no further. */
export type ChainEnd =
  | { readonly how: 'runs' | 'untraced'; readonly thread: string; readonly state: string | null }
  | { readonly how: 'nobody' }
  | { readonly how: 'loop'; readonly thread: string }
  | { readonly how: 'any'; readonly process: string; readonly threads: number; readonly likely: string | null }
  | { readonly how: 'long' }

export const chainEnd = anyOf<ChainEnd>([
  object({ how: oneOf(['runs', 'untraced']), thread: pathname, state: nullable(text) }),
  object({ how: literal('nobody') }),
  object({ how: literal('loop'), thread: pathname }),
  object({ how: literal('any'), process: pathname, threads: integer, likely: nullable(pathname) }),
  object({ how: literal('long') }),
])

/** The change that closed a deadlock. The thread is null when it was only seen afterwards. */
export const closingChange = object({
  what: oneOf(['blocked', 'ended', 'released', 'observed']),
  thread: nullable(pathname),
  state: nullable(text),
  call: nullable(text),
})

export type Closing = ValueOf<typeof closingChange>

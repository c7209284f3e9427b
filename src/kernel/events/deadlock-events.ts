/** Defines the event types of threads that wait too long, and of deadlocks. */

import {
  bool,
  described,
  integer,
  list,
  literal,
  nullable,
  object,
  oneKeyOf,
  oneOf,
  optional,
  pathname,
  text,
  timestamp,
} from '../fields.ts'
import { chainEnd, closingChange, waitingThread } from './deadlock-fields.ts'
import { resolutions } from './reasons.ts'
import { eventRow } from './row.ts'
import { errno, on, state, thread } from './shared-fields.ts'

const blocked = described(text, 'Time that the blocking had lasted, as in 512ms')

const timed = {
  ...thread,
  timeout: described(pathname, 'Pathname of the default timer that ran out'),
  state: described(state, 'The state of the thread when the warning was emitted'),
  since: described(timestamp, 'When the blocking began'),
  blocked,
}

const found = {
  since: described(timestamp, 'When the deadlock was found'),
  closing: described(closingChange, 'The change that closed the deadlock'),
  members: described(
    list(waitingThread),
    'In the order of the ring, each waiting for the next; without a ring, by pid and tid',
  ),
  victims: described(list(waitingThread), 'Threads that are stuck because the members are; only the first 100'),
  victimCount: integer,
}

export const deadlockEvents = [
  eventRow({
    type: 'deadlock.warning',
    summary: 'a thread has been blocked longer than its default timeout allows',
    severity: 'warning',
    opens: 'long-wait',
    data: {
      ...timed,
      on: optional(on),
      certain: optional(described(literal(false), 'Present when the source cannot distinguish the state from another')),
      why: optional(described(text, 'Which other state it may be')),
      after: described(text, 'The longest blocking that the timeout allows'),
      chain: described(
        list(waitingThread),
        'The thread and the threads that it waits for in turn, as `wait` shows them',
      ),
      end: described(chainEnd, 'Why the chain ends there'),
      initial: described(
        bool,
        'True when the thread had waited too long before the timer was set or its process moved',
      ),
    },
  }),
  eventRow({
    type: 'deadlock.eased',
    summary: 'a thread that was warned about runs again or has ended',
    severity: 'info',
    closes: 'long-wait',
    data: {
      ...timed,
      blocked: described(
        nullable(blocked),
        'Time that the blocking had lasted; null when it ended while the service was not running',
      ),
      now: described(state, 'The state of the thread now; `DEAD` when it has ended'),
    },
  }),
  eventRow({
    type: 'deadlock.detected',
    summary: 'threads that can never run again: each waits for another of them',
    severity: 'error',
    opens: 'deadlock',
    data: found,
  }),
  eventRow({
    type: 'deadlock.orphaned',
    summary: 'a thread that no other thread can release',
    severity: 'error',
    opens: 'deadlock',
    data: found,
  }),
  eventRow({
    type: 'deadlock.suspected',
    summary: 'threads that are deadlocked if `reason` is true',
    severity: 'warning',
    opens: 'deadlock',
    data: {
      ...found,
      reason: described(text, 'The assumptions under which it is a deadlock, separated by commas'),
    },
  }),
  eventRow({
    type: 'deadlock.resolved',
    summary: 'a deadlock is over: a member runs again, has ended, or `how` gives another cause',
    severity: 'info',
    closes: 'deadlock',
    data: {
      how: oneKeyOf(resolutions),
      was: oneOf(['detected', 'orphaned', 'suspected']),
      thread: optional(described(nullable(pathname), 'The thread that resolved it; null when that was not observed')),
      errno: optional(described(errno, 'The error with which a member’s call returned')),
      proven: optional(described(pathname, 'Path of the proven deadlock that replaces this suspicion')),
      since: described(timestamp, 'When the deadlock was found'),
      members: list(object({ path: pathname, name: text })),
      stuck: optional(
        described(
          list(pathname),
          'Members that are still stuck. A deadlock among them is a new event. Absent after a restart of the service',
        ),
      ),
    },
  }),
] as const

/** Events of threads that wait too long, and of deadlocks. */

import { chainEnd } from '../deadlock/chain.ts'
import { closing } from '../deadlock/deadlock.ts'
import { waiting } from '../deadlock/member-views.ts'
import {
  described,
  flag,
  list,
  literal,
  nullable,
  object,
  oneOf,
  optional,
  path,
  text,
  time,
  whole,
} from '../fields.ts'
import { eventRow } from './row.ts'
import { errno, on, state, thread } from './shared-fields.ts'

const blocked = described(text, 'How long it had lasted, as in 512ms')

const timed = {
  ...thread,
  timeout: described(path, 'Pathname of the default timer that ran out'),
  state: described(state, 'That it was in when it was told of'),
  since: described(time, 'When the blocking began'),
  blocked,
}

const found = {
  since: described(time, 'When it was found'),
  closing: described(closing, 'What closed it'),
  members: described(list(waiting), 'In order round the ring, else by pid and tid'),
  victims: described(list(waiting), 'The first of those that are stuck because the members are'),
  victimCount: whole,
}

export const deadlockEvents = [
  eventRow({
    type: 'deadlock.warning',
    summary: 'a thread has been in a state longer than its default timeout allows',
    severity: 'warning',
    opens: 'long-wait',
    data: {
      ...timed,
      on: optional(on),
      certain: optional(described(literal(false), 'The source cannot tell that state from another')),
      why: optional(described(text, 'Which other')),
      after: described(text, 'How long it may last'),
      chain: described(list(waiting), 'What it waits for, and what that waits for, as `wait` shows it'),
      end: described(chainEnd, 'Why it goes no further'),
      initial: described(flag, 'It had waited too long when the timer was set, or its process moved'),
    },
  }),
  eventRow({
    type: 'deadlock.eased',
    summary: 'that thread goes on after all, or has ended',
    severity: 'info',
    closes: 'long-wait',
    data: {
      ...timed,
      blocked: described(
        nullable(blocked),
        'How long it had lasted; null where the service was not running when it ended',
      ),
      now: described(state, 'That it is in now; `DEAD` where it has ended'),
    },
  }),
  eventRow({
    type: 'deadlock.detected',
    summary: 'threads that can never run again, each waiting for another of them',
    severity: 'error',
    opens: 'deadlock',
    data: found,
  }),
  eventRow({
    type: 'deadlock.orphaned',
    summary: 'a thread that nobody at all could release',
    severity: 'error',
    opens: 'deadlock',
    data: found,
  }),
  eventRow({
    type: 'deadlock.suspected',
    summary: 'what would be a deadlock if `reason` holds',
    severity: 'warning',
    opens: 'deadlock',
    data: {
      ...found,
      reason: described(text, 'What must hold for it to be a deadlock; several with commas'),
    },
  }),
  eventRow({
    type: 'deadlock.resolved',
    summary: 'one of them runs again or has ended, or `how` says what else',
    severity: 'info',
    closes: 'deadlock',
    data: {
      how: oneOf(['returned', 'ended', 'abandoned', 'created', 'changed', 'proven', 'restarted']),
      was: oneOf(['detected', 'orphaned', 'suspected']),
      thread: optional(described(nullable(path), 'Which changed it; null where that was not seen')),
      errno: optional(described(errno, 'Where a member’s call returned with it')),
      proven: optional(described(path, 'What a suspicion has become')),
      since: described(time, 'When it was found'),
      members: list(object({ path, name: text })),
      stuck: optional(
        described(
          list(path),
          'The members that are stuck all the same: looked at again, and told anew. Absent where the service was restarted',
        ),
      ),
    },
  }),
] as const

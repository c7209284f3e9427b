/** Defines the event types of thresholds, and of calls that a limit refused. */

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
} from '../fields.ts'
import { limitAmountText, noteText, numberOrNull, plainText, withName } from './line-parts.ts'
import { clearReasons } from './reasons.ts'
import { eventRow } from './row.ts'
import { errno, limit, note, process, self } from './shared-fields.ts'

const capacity = described(
  nullable(integer),
  'The capacity that a percentage refers to; null when there is no finite one',
)
const highest = described(nullable(integer), 'The highest value seen at this node')
const period = described(
  nullable(text),
  'Interval at which the limit is sampled; null when it is counted as it happens',
)

const part = {
  path: pathname,
  pid: optional(integer),
  tid: optional(integer),
  name: optional(text),
  identity: optional(text),
  self,
  value: integer,
}

const top = described(list(object(part)), 'The three largest parts, when the value is a sum')

const crossing = {
  threshold: described(pathname, 'Pathname of the threshold'),
  limit,
  value: described(nullable(integer), 'Usage at the node that crossed the point; null when it is no longer known'),
  capacity,
  peak: highest,
  unreadable: optional(
    described(integer, 'Number of parts of the sum that cannot be read. The value is then a lower bound'),
  ),
  estimate: optional(described(literal('touched'), 'Present when the value is a high-water mark')),
  identity: optional(described(text, 'Identity of the process; absent when the node contains processes')),
  name: optional(described(text, 'Name of the process')),
  self,
  period,
  top,
  note,
}

const at = described(nullable(integer), 'The trip point. For a percentage, the first number past it')
const rearm = described(nullable(integer), 'The point at which it clears')
const direction = oneOf(['rising', 'falling'])

const points = {
  at,
  rearm,
  direction,
  for: optional(described(text, 'Time that usage had to stay past the point, when the threshold has a `for`')),
}

export const thresholdEvents = [
  eventRow({
    type: 'threshold.tripped',
    summary: 'usage passed a trip point',
    severity: 'warning',
    opens: 'threshold',
    data: {
      ...crossing,
      ...points,
      initial: described(bool, 'True when usage was already past the point when the threshold was set'),
    },
    line: ({ name, limit, at, capacity, direction, initial, top, note, ...value }) => {
      const point = `${direction === 'falling' ? 'down to' : 'at'} ${limitAmountText(limit, at)}`
      const whole = numberOrNull(capacity) === null ? '' : ` of ${limitAmountText(limit, capacity)}`
      const already = initial === true ? ', already when it was set' : ''
      const rest = `${point}${whole}${already}${topText(limit, top)}${noteText(note)}`
      return withName(name, `${usageText({ limit, ...value })}, ${rest}`)
    },
  }),
  eventRow({
    type: 'threshold.acted',
    summary: 'a threshold that tripped sent its signal, or could not',
    severity: 'warning',
    data: {
      ...process,
      threshold: pathname,
      limit,
      signal: text,
      tid: optional(described(integer, 'Present when the signal goes to one thread')),
      sent: bool,
      errno: optional(described(errno, 'Present when the signal was not sent')),
      reason: optional(described(text, 'Present when the signal was not sent')),
      note,
    },
  }),
  eventRow({
    type: 'threshold.cleared',
    summary: `a tripped threshold is over: \`reason\` is ${Object.keys(clearReasons).join(', ')}`,
    severity: 'info',
    closes: 'threshold',
    data: {
      ...crossing,
      ...points,
      // Little is known of a crossing that ended while the service was not running.
      capacity: optional(capacity),
      peak: optional(highest),
      period: optional(period),
      top: optional(top),
      at: optional(at),
      rearm: optional(rearm),
      direction: optional(direction),
      reason: oneKeyOf(clearReasons),
    },
    line: ({ name, reason, note, ...value }) => {
      const usage = numberOrNull(value.value) === null ? '' : `${usageText(value)}, `
      return withName(name, `${usage}${plainText(reason)}${noteText(note)}`)
    },
  }),
  eventRow({
    type: 'threshold.unknown',
    summary: 'an armed threshold cannot trip, because its limit or the capacity of it cannot be read at present',
    severity: 'warning',
    opens: 'unknown-threshold',
    data: { ...crossing, reason: described(text, 'Why it cannot be read') },
    line: ({ name, reason, note }) => withName(name, `${plainText(reason)}${noteText(note)}`),
  }),
  eventRow({
    type: 'threshold.known',
    summary: 'the limit of a threshold that had become unknown can be read again',
    severity: 'info',
    closes: 'unknown-threshold',
    data: crossing,
    line: ({ name, note, ...value }) => withName(name, `${usageText(value)}${noteText(note)}`),
  }),
  eventRow({
    type: 'limit.changed',
    summary: 'a threshold on any change saw one: `from` is the value before, `changes` how often it changed',
    severity: 'info',
    data: {
      ...crossing,
      from: described(
        nullable(integer),
        'The value in the event before; in the first event, the value when the threshold was set',
      ),
      changes: described(integer, 'Number of changes since then'),
    },
    line: ({ name, from, changes, note, ...value }) => {
      const times = changes === 1 ? '' : ` in ${plainText(changes)} changes`
      const before = limitAmountText(value.limit, from)
      return withName(name, `${usageText(value)}, from ${before}${times}${noteText(note)}`)
    },
  }),
  eventRow({
    type: 'limit.denied',
    summary: 'an rlimit, a pool or a threshold refused new use: the call of `cause` would have passed the subject',
    severity: 'warning',
    data: {
      limit,
      errno: described(
        errno,
        'The error of the refused call. When several limits refuse, the call gets the error of the first',
      ),
      by: oneOf(['threshold', 'rlimit', 'pool']),
      rlimit: optional(described(text, 'Name of the rlimit, when an rlimit refused')),
      threshold: described(nullable(pathname), 'Null when no threshold refused'),
      newborn: optional(
        described(
          oneOf(['thread', 'process']),
          'Present when a new thread or process would have started past the limit. It was not created; the subject is its future container',
        ),
      ),
      value: described(integer, 'Usage when the call was refused'),
      wanted: described(integer, 'Amount that the call wanted in addition'),
      most: described(integer, 'The highest usage that is allowed'),
      identity: optional(described(text, 'The process whose limit refused')),
      name: optional(described(text, 'The process whose limit refused')),
      note,
      cause: described(
        nullable(pathname),
        'The refused caller: a thread; a process whose timer expired or that ended; a threshold that signals. Null for a request from outside',
      ),
      call: described(nullable(text), 'Name of the call; null when there was no call'),
    },
  }),
] as const

interface Usage {
  readonly limit?: unknown
  readonly value?: unknown
  readonly unreadable?: unknown
  readonly estimate?: unknown
}

/** The value, and how certain it is. */
function usageText({ limit, value, unreadable, estimate }: Usage): string {
  const bound = unreadable === undefined ? '' : 'at least '
  return `${bound}${limitAmountText(limit, value)}${estimate === undefined ? '' : ` (${plainText(estimate)})`}`
}

function topText(limit: unknown, top: unknown): string {
  const parts = (Array.isArray(top) ? top : []).flatMap((part: unknown) => partText(limit, part) ?? [])
  return parts.length === 0 ? '' : `; most: ${parts.join(', ')}`
}

/** Null where the part is not as this version knows it. */
function partText(limit: unknown, part: unknown): string | null {
  if (typeof part !== 'object' || part === null || !('path' in part) || !('value' in part)) return null
  const name = 'name' in part ? part.name : part.path
  return `${plainText(name)} ${limitAmountText(limit, part.value)}`
}

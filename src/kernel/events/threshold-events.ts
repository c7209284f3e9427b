/** Events of thresholds and of refused calls. */

import { described, flag, list, literal, nullable, object, oneOf, optional, path, text, whole } from '../fields.ts'
import { limitAmountText, noteText, numberOrNull, plainText, withName } from './line-parts.ts'
import { eventRow } from './row.ts'
import { errno, limitName, note, process, self } from './shared-fields.ts'

const capacity = described(nullable(whole), 'What a percentage refers to; null where there is none')
const highest = described(nullable(whole), 'High-water mark of the node’s own value')
const period = described(nullable(text), 'How often the limit is sampled; null where it is counted as it happens')

const part = {
  path,
  pid: optional(whole),
  tid: optional(whole),
  name: optional(text),
  identity: optional(text),
  self,
  value: whole,
}

const top = described(list(object(part)), 'Of a sum, the three parts that use most')

const crossing = {
  threshold: described(path, 'Pathname of the threshold'),
  limit: limitName,
  value: described(nullable(whole), 'Of the node that crossed; null where it is no longer known'),
  capacity,
  peak: highest,
  unreadable: optional(described(whole, 'Parts of the sum that cannot be read: the value is a lower bound')),
  estimate: optional(described(literal('touched'), 'The value is a high-water mark')),
  identity: optional(described(text, 'Of the process; not where the node is above processes')),
  name: optional(described(text, 'Of the process')),
  self,
  period,
  top,
  note,
}

const at = described(nullable(whole), 'Trip point: of a percentage, the first number past it')
const rearm = described(nullable(whole), 'Where it is cleared again')
const direction = oneOf(['rising', 'falling'])

const points = {
  at,
  rearm,
  direction,
  for: optional(described(text, 'How long it stayed past before it was told, where the threshold asks for that')),
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
      initial: described(flag, 'It was past the point when the threshold was set'),
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
    summary: 'the signal of a threshold that tripped was sent, or could not be',
    severity: 'warning',
    data: {
      ...process,
      threshold: path,
      limit: limitName,
      signal: text,
      tid: optional(described(whole, 'Where it goes to one thread')),
      sent: flag,
      errno: optional(described(errno, 'Where it was not sent')),
      reason: optional(described(text, 'Where it was not sent')),
      note,
    },
  }),
  eventRow({
    type: 'threshold.cleared',
    summary: '`reason`: rearmed, died, deleted, replaced, expired, disabled or filtered',
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
      reason: oneOf(['rearmed', 'died', 'deleted', 'replaced', 'expired', 'disabled', 'filtered']),
    },
    line: ({ name, reason, note, ...value }) => {
      const usage = numberOrNull(value.value) === null ? '' : `${usageText(value)}, `
      return withName(name, `${usage}${plainText(reason)}${noteText(note)}`)
    },
  }),
  eventRow({
    type: 'limit.changed',
    summary: 'a threshold on any change: `from`, and how many `changes` there were',
    severity: 'info',
    data: {
      ...crossing,
      from: described(nullable(whole), 'The value that was told last; at first the one that was found'),
      changes: described(whole, 'How often it has changed since'),
    },
    line: ({ name, from, changes, note, ...value }) => {
      const times = changes === 1 ? '' : ` in ${plainText(changes)} changes`
      const before = limitAmountText(value.limit, from)
      return withName(name, `${usageText(value)}, from ${before}${times}${noteText(note)}`)
    },
  }),
  eventRow({
    type: 'limit.denied',
    summary:
      'an rlimit, a pool or a threshold refused new use: the subject would have been passed, `cause` was refused',
    severity: 'warning',
    data: {
      limit: limitName,
      errno: described(errno, 'What the refused call answered, where this is the first that refused'),
      by: oneOf(['threshold', 'rlimit', 'pool']),
      rlimit: optional(described(text, 'Which, where an rlimit refuses')),
      threshold: described(nullable(path), 'Null where none refuses'),
      newborn: optional(
        described(
          oneOf(['thread', 'process']),
          'It would have begun past the limit, and is not made; the subject is where it would have been',
        ),
      ),
      value: described(whole, 'In use'),
      wanted: described(whole, 'How much more was wanted'),
      most: described(whole, 'The most that is let be'),
      identity: optional(described(text, 'Of the receiving process')),
      name: optional(described(text, 'Of the receiving process')),
      note,
      cause: described(
        nullable(path),
        'Who was refused: a thread; a process whose timer expired, or that ended; a threshold that signals',
      ),
      call: described(nullable(text), 'What it called; null where nobody called'),
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

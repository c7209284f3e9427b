/** Tests the one-line text of an event for terminals. */

import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { clockText, eventLine } from '../../src/cli/event-line.ts'
import { eventTypes } from '../../src/kernel/events.ts'

const at = new Date(2026, 10, 22, 10, 0, 0, 123)

const lineOf = (type: string, data: Record<string, unknown>, subject = '/sys/proc/42'): string =>
  stripVTControlCharacters(eventLine({ type, subject, time: at.toISOString(), data }, at.getTime()))

const fds = { limit: 'fds', value: 101, at: 100, capacity: 1024, direction: 'rising', name: 'httpd', top: [] }
const memory = {
  limit: 'memory-free',
  value: 419_430_400,
  at: 838_860_800,
  capacity: 8_589_934_592,
  direction: 'falling',
}

test.each([
  ['threshold.tripped', fds, 'httpd: 101, at 100 of 1024'],
  ['threshold.tripped', { ...fds, capacity: null, initial: true }, 'httpd: 101, at 100, already when it was set'],
  ['threshold.tripped', { ...fds, unreadable: 3, note: 'hog' }, 'httpd: at least 101, at 100 of 1024 (hog)'],
  ['threshold.tripped', { ...fds, limit: 'stack', estimate: 'touched' }, 'httpd: 101B (touched), at 100B of 1.0K'],
  ['threshold.tripped', memory, '400M, down to 800M of 8.0G'],
  [
    'threshold.tripped',
    {
      ...fds,
      name: undefined,
      top: [
        { path: '/sys/proc/7', name: 'nginx', value: 90 },
        { path: '/sys/part/a', value: 11 },
      ],
    },
    '101, at 100 of 1024; most: nginx 90, /sys/part/a 11',
  ],
  ['threshold.cleared', { ...fds, value: 80, reason: 'rearmed' }, 'httpd: 80, rearmed'],
  ['threshold.cleared', { ...fds, value: null, reason: 'died' }, 'httpd: died'],
  ['process.created', { name: 'httpd', parent: 1, uid: 33 }, 'httpd: parent 1, uid 33'],
  ['process.changed', { what: 'exec', name: 'httpd', executable: '/usr/sbin/httpd' }, 'httpd: exec /usr/sbin/httpd'],
  ['process.changed', { what: 'uid', name: 'httpd', uid: 33 }, 'httpd: uid 33'],
  ['process.died', { name: 'httpd', code: 3, signal: null }, 'httpd: exit code 3'],
  ['process.died', { name: 'httpd', code: null, signal: 'SIGKILL' }, 'httpd: killed by SIGKILL'],
  ['process.died', { name: 'httpd', code: null, signal: null }, 'httpd: how is not known'],
  ['thread.created', { name: 'worker' }, 'worker'],
  ['source.degraded', { what: 'fds', reason: 'permission denied' }, 'fds: permission denied'],
  ['events.lost', { count: null, from: 'A', to: 'B', why: 'overrun' }, 'an unknown number from A to B: overrun'],
  ['deadlock.detected', { id: 7, members: ['a'], certain: true }, 'id=7 certain=true'],
])('the line of %s with the data %j ends with %s', (type, data, details) => {
  expect(lineOf(type, data)).toBe(`10:00:00.123  ${type.padEnd(17)}  /sys/proc/42  ${details}\n`)
})

test('an event of any type without data is one line', () => {
  for (const { type } of eventTypes) expect(lineOf(type, {})).toMatch(new RegExp(`^10:00:00.123 {2}${type} .*\n$`))
})

test('control characters in a name or type are escaped', () => {
  expect(lineOf('thread.created', { name: '\u001b[2J\nroot' })).toContain('  \\x1b[2J\\x0aroot\n')
  expect(lineOf('\u001b[2J', {})).toContain('  \\x1b[2J')
})

test('the date is shown only if it is not today', () => {
  const tomorrow = new Date(2026, 10, 23, 0, 0, 0, 1)
  expect(clockText(at.getTime(), at.getTime())).toBe('10:00:00.123')
  expect(clockText(at.getTime(), tomorrow.getTime())).toBe('2026-11-22 10:00:00.123')
})

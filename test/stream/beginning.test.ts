import { expect, test } from 'vitest'
import { startPositionOf } from '../../src/stream/start-position.ts'

const log = { oldestCursor: 100, newest: 200 }

test.each([
  [
    'nothing is asked for: with what happens from now on',
    { after: null, kept: null, snapshot: false },
    { kind: 'live' },
  ],
  ['a snapshot is asked for', { after: null, kept: null, snapshot: true }, { kind: 'snapshot' }],
  ['after its own cursor', { after: 150, kept: null, snapshot: false }, { kind: 'after', cursor: 150 }],
  ['after the oldest that is possible', { after: 100, kept: null, snapshot: false }, { kind: 'after', cursor: 100 }],
  ['after the newest', { after: 200, kept: null, snapshot: false }, { kind: 'after', cursor: 200 }],
  ['after the one that is kept for it', { after: null, kept: 120, snapshot: false }, { kind: 'after', cursor: 120 }],
  ['its own cursor is the better one', { after: 150, kept: 120, snapshot: false }, { kind: 'after', cursor: 150 }],
  ['a cursor is too old', { after: 99, kept: null, snapshot: false }, { kind: 'gone', oldest: 100 }],
  ['a cursor never was', { after: 201, kept: null, snapshot: false }, { kind: 'gone', oldest: 100 }],
  ['the one that is kept for it is too old', { after: null, kept: 99, snapshot: false }, { kind: 'gone', oldest: 100 }],
  [
    'it resumes where it can, though it would take a snapshot',
    { after: 150, kept: null, snapshot: true },
    { kind: 'after', cursor: 150 },
  ],
  ['it takes a snapshot where it cannot resume', { after: 99, kept: null, snapshot: true }, { kind: 'snapshot' }],
] as const)('%s', (_, wishes, beginning) => {
  expect(startPositionOf(log, wishes)).toEqual(beginning)
})

/** Tests the start position of a subscription: live, after a cursor, with a snapshot, or refused. */

import { expect, test } from 'vitest'
import { startPositionOf } from '../../src/stream/start-position.ts'

const log = { oldestCursor: 100, newest: 200 }

test.each([
  ['a request without a cursor starts live', { after: null, durable: null, snapshot: false }, { kind: 'live' }],
  ['a request for a snapshot starts with one', { after: null, durable: null, snapshot: true }, { kind: 'snapshot' }],
  [
    'a cursor of the client is resumed from',
    { after: 150, durable: null, snapshot: false },
    { kind: 'after', cursor: 150 },
  ],
  [
    'the oldest available cursor is accepted',
    { after: 100, durable: null, snapshot: false },
    { kind: 'after', cursor: 100 },
  ],
  ['the newest cursor is accepted', { after: 200, durable: null, snapshot: false }, { kind: 'after', cursor: 200 }],
  [
    'the durable cursor is used without a cursor of the client',
    { after: null, durable: 120, snapshot: false },
    { kind: 'after', cursor: 120 },
  ],
  [
    'a cursor of the client overrides the durable cursor',
    { after: 150, durable: 120, snapshot: false },
    { kind: 'after', cursor: 150 },
  ],
  ['a cursor that is too old is gone', { after: 99, durable: null, snapshot: false }, { kind: 'gone', oldest: 100 }],
  [
    'a cursor newer than the newest event is gone',
    { after: 201, durable: null, snapshot: false },
    { kind: 'gone', oldest: 100 },
  ],
  [
    'a durable cursor that is too old is gone',
    { after: null, durable: 99, snapshot: false },
    { kind: 'gone', oldest: 100 },
  ],
  [
    'a cursor that can be resumed from takes precedence over a snapshot',
    { after: 150, durable: null, snapshot: true },
    { kind: 'after', cursor: 150 },
  ],
  [
    'a restart replaces a cursor that is too old',
    { after: 99, durable: null, snapshot: false, restart: true },
    { kind: 'restart', lostAfter: 99 },
  ],
  [
    'a restart replaces a durable cursor that is too old',
    { after: null, durable: 99, snapshot: false, restart: true },
    { kind: 'restart', lostAfter: 99 },
  ],
  [
    'a cursor that can be resumed from takes precedence over a restart',
    { after: 150, durable: null, snapshot: false, restart: true },
    { kind: 'after', cursor: 150 },
  ],
  [
    'a snapshot takes precedence over a restart',
    { after: 99, durable: null, snapshot: true, restart: true },
    { kind: 'snapshot' },
  ],
  ['a snapshot replaces a cursor that is too old', { after: 99, durable: null, snapshot: true }, { kind: 'snapshot' }],
] as const)('%s', (_, request, start) => {
  expect(startPositionOf(log, request)).toEqual(start)
})

/** Tests the ring buffer of recent events. */

import { expect, test } from 'vitest'
import { EventRing } from '../../src/journal/ring.ts'
import type { KernelEvent } from '../../src/kernel/events.ts'

const event = (subject: string): KernelEvent => ({
  type: 'partition.created',
  at: 0,
  subject,
  about: [],
  data: { name: 'web' },
})

test('the ring stores the newest events and reports the oldest cursor', () => {
  const ring = new EventRing({ source: '/net/x', firstSequence: 100, eventsMax: 3 })
  expect([ring.newest, ring.oldestCursor]).toEqual([99, 99])
  for (let count = 0; count < 5000; count++) ring.append(event(`/sys/proc/${count}`))
  expect([ring.newest, ring.oldestCursor]).toEqual([5099, 5096])
  expect([...ring.after(5097)].map(({ sequence }) => sequence)).toEqual([5098, 5099])
  expect([...ring.after(5096)]).toHaveLength(3)
  expect([...ring.after(5099)]).toEqual([])
})

test('a reader sees events that are appended meanwhile, and stops if its next event was overwritten', () => {
  const ring = new EventRing({ source: '/net/x', firstSequence: 1, eventsMax: 3 })
  for (let count = 0; count < 3; count++) ring.append(event('/sys'))
  const reader = ring.after(0)
  expect(reader.next().value?.sequence).toBe(1)
  ring.append(event('/sys'))
  expect(reader.next().value?.sequence).toBe(2)
  for (let count = 0; count < 9; count++) ring.append(event('/sys'))
  expect(reader.next().done).toBe(true)
})

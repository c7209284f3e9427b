/** Tests a service whose event loop does not turn for seconds, because it was stopped. */

import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { startForTest } from '../support/running.ts'

let live: Live | null

beforeEach(() => {
  live = null
})

afterEach(() => live?.stop('SIGKILL'))

test('a service that was stopped for seconds reports how long, and loses no event of that time', async () => {
  live = await Live.start()
  const watcher = await live.watch('/sys')
  // A birth shows that the stream is live. A quiet machine has no other event for a long time.
  const marker = await startForTest('fd-hog', [0, 1])
  const isMarker = ({ subject }: { subject: string }) => subject === `/sys/proc/${marker.pid}`
  const first = Number((await watcher.until(isMarker)).find(({ sequence }) => sequence !== undefined)!.sequence)
  await marker.stop()
  live.child.kill('SIGSTOP')
  const hog = await startForTest('fd-hog', [0, 1])
  await delay(2_500)
  await hog.stop()
  live.child.kill('SIGCONT')
  const blocked = ({ type, data }: { type: string; data: Record<string, unknown> }) =>
    type === 'source.degraded' && data.what === 'event-loop'
  const degraded = (await watcher.until(blocked)).find(blocked)!
  expect(degraded).toMatchObject({
    subject: '/sys',
    data: { reason: expect.stringMatching(/^the event loop did not turn for /) },
  })
  expect(Number.parseFloat(String(degraded.data.blocked))).toBeGreaterThan(2)
  const metrics = await (await fetch(`${live.url}/metrics`)).text()
  expect(metrics).toMatch(/^introspectd_event_loop_blocked_seconds_count 1$/m)
  expect(metrics).toContain('introspectd_source_degraded{what="event-loop"} 1')
  const isBirth = ({ type, subject }: { type: string; subject: string }) =>
    type === 'process.created' && subject === `/sys/proc/${hog.pid}`
  const isLost = ({ type }: { type: string }) => type === 'events.lost'
  // A source that finds new processes by scanning cannot know one that started and ended meanwhile.
  const isObserved = !(await (await fetch(`${live.url}/readyz?verbose`)).text()).includes('[-] inventory')
  if (isObserved) await watcher.until((event) => isBirth(event) || isLost(event))
  const isOver = ({ type, data }: { type: string; data: Record<string, unknown> }) =>
    type === 'source.recovered' && data.what === 'event-loop'
  await watcher.until(isOver)
  const sequences = watcher.events.flatMap(({ sequence }) => (sequence === undefined ? [] : [Number(sequence)]))
  expect(sequences).toEqual(sequences.map((_, place) => first + place))
})

test('the model on a virtual clock reports a stop in metrics only: its events depend on the calls alone', async () => {
  live = await Live.start(['--source', 'model'])
  const watcher = await live.watch('/sys')
  live.child.kill('SIGSTOP')
  await delay(1_500)
  live.child.kill('SIGCONT')
  await fetch(`${live.url}/sys/proc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"p"}',
  })
  const [first] = await watcher.until(1)
  expect(first).toMatchObject({ type: 'process.created', sequence: '00000000000000000001' })
})

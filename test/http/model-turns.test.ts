/** One long request drives the model over HTTP, and the service answers other requests in between. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { ModelService } from '../support/model-service.ts'

let service: ModelService

beforeEach(async () => {
  service = await new ModelService().start()
})

afterEach(() => service.stop())

/** Calls that start a timer of 1 ms, which repeats for ever. */
const ticking: readonly object[] = [
  { caller: '/sys/proc/1/thread/1', call: 'SignalAction', signal: 'SIGALRM', action: 'handle' },
  { caller: '/sys/proc/1/thread/1', call: 'TimerCreate', notify: { signal: 'SIGALRM' } },
  { caller: '/sys/proc/1/thread/1', call: 'TimerSettime', timerid: 1, after: '1ms', every: '1ms' },
]

test('other requests are answered between calls that take long', async () => {
  const advances = Array.from({ length: 20 }, () => ({ call: 'advance', advance: '1h' }))
  const lines = [{ call: 'create', name: 'ticking' }, ...ticking, ...advances].map((line) => JSON.stringify(line))
  let over = false
  const answered = service.calls(lines.join('\n')).finally(() => {
    over = true
  })
  const seen = new Set<unknown>()
  while (!over) seen.add((await service.get('/sys/clock')).body.now)
  const answers = await answered
  expect(answers.at(-1)).toMatchObject({ returned: { now: '1970-01-01T00:33:20.000Z', stopped: true } })
  expect(answers).toHaveLength(24)
  expect(seen.size).toBeGreaterThan(2)
})

/** Saves the state of a model after each line of a log, and checks that another service continues it alike. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ModelService } from '../support/model-service.ts'
import { bytes, lines, log, save, threshold } from './state-log.ts'

let service: ModelService

beforeEach(async () => {
  service = await new ModelService().start()
})

afterEach(() => service.stop())

describe('a state that is saved and put into another service', () => {
  test('continues after any line of a log with the same answers and the same events, byte for byte', async () => {
    let reported = 0
    for (let cut = 0; cut <= log.length; cut++) {
      const [one, two] = [await new ModelService().start(), await new ModelService().start()]
      try {
        await threshold(one)
        await one.calls(lines(log.slice(0, cut)))
        const state = await save(one)
        expect((await two.put('/sys/state', state)).status).toBe(200)
        const watchers = [await one.watch('/sys'), await two.watch('/sys')]
        const last = JSON.stringify({ call: 'create', name: 'last' })
        const rest = [lines(log.slice(cut)), last].join('\n')
        const answers = [await one.calls(rest), await two.calls(rest)]
        expect(answers[1]).toEqual(answers[0])
        for (const watcher of watchers)
          await watcher.until(({ type, data }) => type === 'process.created' && data.name === 'last')
        expect(bytes(watchers[1]!)).toEqual(bytes(watchers[0]!))
        expect(await save(two)).toBe(await save(one))
        reported += watchers[0]!.frames.length
      } finally {
        await one.stop()
        await two.stop()
      }
    }
    expect(reported).toBeGreaterThan(500)
  }, 60_000)
})

test('a state that would be too large to read again is refused with EFBIG', async () => {
  const { machine } = service
  const process = machine.create({ name: 'large' })
  for (let tid = 2; tid <= 140_000; tid++) machine.createThread(process, { detached: true })
  const { status, body } = await service.get('/sys/state')
  expect([status, body.errno]).toEqual([409, 'EFBIG'])
}, 60_000)

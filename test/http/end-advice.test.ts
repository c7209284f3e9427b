/** Tests that a threshold or timeout on a process says that it ends with it, and names the form that stays. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import * as seen from '../../src/kernel/observations.ts'
import { ModelService } from '../support/model-service.ts'
import { Service } from '../support/service.ts'

let service: Service

beforeEach(async () => {
  service = await new Service().start()
})

afterEach(() => service.stop())

test('a threshold on a process says so in every answer, and the answer to PUT names the form for its program', async () => {
  const { bench } = service
  const process = bench.process(42, { name: 'httpd' })
  bench.thread(process, 43)
  bench.at(() => seen.processChanged(bench.kernel, process, null, { executable: '/opt/my web/the server' }))
  const made = await service.put('/sys/proc/42/fds/threshold/hog', { at: 100 })
  expect(made.body).toMatchObject({
    endsWith: 'process',
    advice:
      'it ends with process 42; to follow the program, set /sys/fds/threshold/hog with per=process where.exe=the?server',
  })
  const { body } = await service.get('/sys/proc/42/fds/threshold/hog')
  expect(body).toMatchObject({ endsWith: 'process' })
  expect(body).not.toHaveProperty('advice')
  // The form that is named works, and matches that process.
  const form = '100 per=process where.exe=the?server'
  const sent = { method: 'PUT', body: form, headers: { 'content-type': 'text/plain' } }
  const followed = (await (await service.fetch('/sys/fds/threshold/hog', sent)).json()) as Record<string, unknown>
  expect(followed).toMatchObject({ nodes: 1 })
  expect(followed).not.toHaveProperty('endsWith')
  expect(followed).not.toHaveProperty('advice')
})

test('a threshold on threads follows them per thread, and one that exists at processes only has no form', async () => {
  const { bench } = service
  bench.thread(bench.process(42, { name: 'httpd' }), 43)
  const advice = async (path: string, body: object) => (await service.put(path, body)).body.advice
  const form = 'to follow the program, set /sys/stack/threshold/a with per=thread where.exe=httpd'
  expect(await advice('/sys/proc/42/thread/43/stack/threshold/a', { at: 1 })).toBe(`it ends with thread 43; ${form}`)
  expect(await advice('/sys/proc/42/stack/threshold/a', { at: 1, per: 'thread' })).toBe(
    `it ends with process 42; ${form}`,
  )
  expect(await advice('/sys/proc/42/children/threshold/a', { at: 1 })).toBe('it ends with process 42')
})

test('a timeout on a process names the timeouts that stay', async () => {
  service.bench.process(42, { partition: ['web'] })
  const made = await service.put('/sys/proc/42/timeout', { after: '1s' })
  expect(made.body).toMatchObject({
    endsWith: 'process',
    advice: 'it ends with process 42; a timeout at /sys/part/web/timeout or /sys/timeout stays',
  })
  expect((await service.get('/sys/proc/42/timeout')).body).toMatchObject({ endsWith: 'process' })
  const { body } = await service.put('/sys/timeout', { after: '1s' })
  expect([body.endsWith, body.advice]).toEqual([undefined, undefined])
})

test('on the model, programs are followed by their names', async () => {
  const model = await new ModelService().start()
  try {
    await model.post('/sys/proc', { name: 'server' })
    const { body } = await model.put('/sys/proc/1/channels/threshold/a', { at: 1 })
    expect(body.advice).toContain('with per=process where.name=server')
  } finally {
    await model.stop()
  }
})

/** Tests rules of a live service: SIGHUP, kills and restarts, and a service that does not start with a fault. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Live, run } from '../support/live.ts'
import { until } from '../support/until.ts'

let directory: string
let service: Live | null = null
const write = (text: string) => writeFileSync(join(directory, 'rules.yaml'), text)
const settings = () => ['--data', join(directory, 'data'), '--rules', directory]
const rule = (line: number) => ({ owner: `${join(directory, 'rules.yaml')}:${line}` })
const path = '/sys/processes/threshold/many'

async function events(type: string): Promise<object[]> {
  return (await service!.get(`/events?types=${type}&path=${path}`)).events as object[]
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-rules-'))
})

afterEach(async () => {
  await service?.stop('SIGKILL')
  rmSync(directory, { recursive: true })
})

test('a tripped rule survives a kill without a second event, follows SIGHUP, and ends when its file has gone', async () => {
  write(`thresholds:\n  ${path}: 1\ntimeouts:\n  /sys/timeout: 2h\n`)
  service = await Live.start(settings())
  await service.until(path, ({ state }) => state === 'tripped')
  await service.put('/sys/fds/threshold/mine', { at: 1_000_000 })
  await service.stop('SIGKILL')

  write(`# a line\nthresholds:\n  ${path}: 1\ntimeouts:\n  /sys/timeout: 2h\n`)
  service = await Live.start(settings())
  expect(await service.get(path)).toMatchObject({ state: 'tripped', ...rule(3) })
  expect(await service.get('/sys/timeout')).toMatchObject({ after: '7200000ms', ...rule(5) })
  expect(await events('threshold.*')).toMatchObject([{ type: 'threshold.tripped' }])

  write(`thresholds:\n  ${path}: 2\n`)
  service.child.kill('SIGHUP')
  await service.until(path, ({ at }) => at === 2)
  expect(await service.get('/sys/timeout')).toMatchObject({ holds: null })
  expect(await events('threshold.cleared')).toMatchObject([{ data: { reason: 'replaced' } }])

  write('thresholds:\n  /sys/nothing/threshold/a: 2\n')
  service.child.kill('SIGHUP')
  const fault = `${join(directory, 'rules.yaml')}:2: /sys/nothing/threshold/a: there is no limit nothing`
  await until(
    () => service!.output.stderr,
    (text) => text.includes(`the rules were not reloaded: ${fault}`),
  )
  expect(await service.get(path)).toMatchObject({ at: 2 })
  await service.stop('SIGKILL')

  const refused = await run(['serve', '--port', '0', ...settings()])
  expect([refused.code, refused.stdout]).toEqual([1, ''])
  expect(refused.stderr).toContain(`introspectd: ${fault}`)

  write('')
  service = await Live.start(settings())
  expect(((await service.get('/sys/thresholds')).entries as object[]).length).toBe(1)
  expect(await service.get('/sys/fds/threshold/mine')).toMatchObject({ at: 1_000_000, owner: null })
  expect(await events('threshold.cleared')).toMatchObject([{}, { data: { reason: 'deleted' } }])
})

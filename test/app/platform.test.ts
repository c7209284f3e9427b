/** Tests the start on systems other than Linux: the model is served, with a demo. */

import { afterEach, expect, test } from 'vitest'
import { ConfigError } from '../../src/config/error.ts'
import { servedOn } from '../../src/config/platform.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { Live } from '../support/live.ts'

let live: Live | undefined

afterEach(async () => {
  await live?.stop()
})

const on = (platform: string, flags: Record<string, string> = {}) => servedOn(platform, readConfig(flags, {}))

test('on Linux, and for the model, nothing changes', () => {
  expect(on('linux')).toMatchObject({ config: { source: 'linux' }, note: null })
  expect(on('darwin', { source: 'model' })).toEqual({ config: readConfig({ source: 'model' }, {}).config, note: null })
})

test('elsewhere the model is served with a demo, unless it was given something else', () => {
  const demo = expect.stringMatching(/\/scenarios\/two-lock-deadlock\.yaml$/)
  const note = expect.stringMatching(/^a live machine needs Linux, and this is win32: serving the model/)
  expect(on('win32')).toMatchObject({ config: { source: 'model', scenario: demo }, note })
  expect(on('win32', { scenario: 'mine.yaml' })).toMatchObject({ config: { scenario: 'mine.yaml' }, note })
  for (const other of [{ state: 's.json' }, { clock: 'real' }])
    expect(on('win32', other).config).not.toHaveProperty('scenario')
})

test('elsewhere a requested live machine is refused with the reason', () => {
  expect(() => on('darwin', { source: 'linux' })).toThrow(ConfigError)
  expect(() => on('darwin', { source: 'linux' })).toThrow(/--source: a live machine needs Linux, and this is darwin/)
})

test('without Linux and its C library the service starts, says what it serves, and shows a deadlock', async () => {
  const preload = new URL('../support/other-platform.ts', import.meta.url).pathname
  live = await Live.start([], { env: { PLATFORM: 'darwin', NODE_OPTIONS: `--import=${preload}` } })
  expect(live.output.stderr).toMatch(/^introspectd: a live machine needs Linux, and this is darwin: .*\n$/)
  expect(await live.get('/sys/deadlocks')).toMatchObject({ entries: [{ kind: 'detected' }] })
})

/** The service in floods of births and of events of one process. */

import { expect, onTestFinished, test } from 'vitest'
import { Live } from '../support/live.ts'
import { startForTest } from '../support/running.ts'

function isRead({ value }: Record<string, unknown>): boolean {
  return typeof value === 'number'
}

test('a resting process whose birth was lost is read in full, and a threshold trips on it', async () => {
  const live = await Live.start(['--data', 'memory'])
  onTestFinished(() => void live.child.kill('SIGKILL'))
  await live.put('/sys/fds/threshold/many', { at: 150, per: 'process', where: { name: 'fd-hog' } })
  const watcher = await live.watch('/sys?types=events.lost,threshold.tripped')
  const storm = await startForTest('fork-storm', [40_000, 100_000])
  // No message of the connector is received, until its buffer is full.
  process.kill(live.pid, 'SIGSTOP')
  storm.send('go')
  expect(await storm.line()).toBe('done 40000')
  const hog = await startForTest('fd-hog', [0, 200])
  expect(await hog.line()).toBe('opened')
  process.kill(live.pid, 'SIGCONT')
  await watcher.until(({ type }) => type === 'events.lost')
  const path = `/sys/proc/${hog.pid}`
  await watcher.until(({ type, subject }) => type === 'threshold.tripped' && subject === `${path}/fds`)
  for (const limit of ['fds', 'timers', 'memlock', 'memory', 'signals'] as const)
    await live.until(`${path}/${limit}`, isRead)
  await live.until(`${path}/thread/${hog.pid}`, ({ state }) => state === 'RECEIVE')
  await live.until(`${path}/thread/${hog.pid}/stack`, isRead)
  watcher.socket.close()
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
}, 120_000)

test('a process that renames itself without a pause leaves the events of all others', async () => {
  const live = await Live.start(['--data', 'memory'])
  onTestFinished(() => void live.child.kill('SIGKILL'))
  const flood = await startForTest('rename-flood', [3_000])
  const path = `/sys/proc/${flood.pid}`
  await live.until(path, ({ status }) => status !== 404)
  const before = (await fetch(`${live.url}/sys`)).headers.get('introspect-cursor')
  const watcher = await live.watch(`${path}?types=process.changed`)
  flood.send('go')
  const count = Number(/^done (\d+)$/.exec(await flood.line())![1])
  expect(count).toBeGreaterThan(50_000)
  await live.until(path, ({ name }) => name === 'at-rest')
  const page = await fetch(`${live.url}/events?after=${before}&limit=1`)
  expect(page.status).toBe(200)
  await watcher.until(({ data }) => data.name === 'at-rest')
  const ofFlood = watcher.events.filter(({ type }) => type === 'process.changed')
  expect(ofFlood.length).toBeLessThan(500)
  watcher.socket.close()
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
}, 60_000)

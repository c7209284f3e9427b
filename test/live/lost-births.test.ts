/** The service when it missed births: what it reads of those processes later is as complete as of others. */

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

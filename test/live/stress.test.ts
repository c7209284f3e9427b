/** The service beside stress-ng, which starts and ends processes as fast as it can. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { start } from '../support/programs.ts'

test('beside stress-ng the service does not fail, and afterwards the tree agrees with /proc', async () => {
  const live = await Live.start()
  await live.put('/sys/fds/threshold/each', { at: 500, per: 'process' })
  const watcher = await live.watch('/sys?types=process.*,events.lost')
  const load = ['--fork', '4', '--pthread', '4', '--vm', '2', '--vm-bytes', '64M', '--timeout', '10s', '--quiet']
  // Not the blocking kind: the watcher has to read meanwhile.
  await promisify(execFile)('stress-ng', load)
  const marker = await start('fd-hog', [1, 1])
  await watcher.until(({ type, subject }) => type === 'process.created' && subject === `/sys/proc/${marker.pid}`)
  await marker.stop()
  await watcher.until(({ type, subject }) => type === 'process.died' && subject === `/sys/proc/${marker.pid}`)
  const living = new Set<string>()
  for (const { type, subject } of watcher.events) {
    if (type === 'process.created') living.add(subject)
    else if (type === 'process.died') living.delete(subject)
  }
  // Each process born during the load, and not reported dead, must still be there.
  for (const path of living) expect([path, (await live.get(path)).path]).toEqual([path, path])
  // Grandchildren that it left behind may end a little later than it does.
  await live.until(
    '/sys/proc',
    ({ entries }) => !(entries as { name: string }[]).some(({ name }) => name.startsWith('stress-ng')),
  )
  const sequences = watcher.events.map(({ sequence }) => Number(sequence))
  expect(sequences).toEqual([...sequences].sort((a, b) => a - b))
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

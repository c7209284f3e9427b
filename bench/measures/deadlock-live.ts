/**
 * Measures the time from a deadlock of a real program to the event, and the cost of the detection among thousands of
 * threads.
 */

import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Live } from '../../test/support/live.ts'
import { start } from '../../test/support/programs.ts'
import { type Measure, median } from '../measure.ts'

const rounds = 25
const periodMs = 25
/** Long enough for scans to reach their steady period, and for a meaningful share of a CPU. */
const settleMs = 5_000
const watchedMs = 15_000
const ticksPerSecond = 100

export const deadlockLive: Measure = {
  name: 'deadlock-live',
  what: 'live: deadlock formed → a WebSocket client has the event, a default timer armed for each thread; the fast period',
  target: { text: '≤ 3 periods', met: ({ ours, reference }) => ours <= 3 * reference },
  run: async () => {
    const live = await Live.start()
    await live.put('/sys/timeout', { after: '10s' })
    const watcher = await live.watch('/sys?types=deadlock.detected')
    const delays: number[] = []
    for (let round = 0; round < rounds; round++) {
      // The program prints `ready` when each of its threads is about to lock the other's mutex.
      const ring = await start('locks', ['ring', 'normal', 2])
      const formed = performance.now()
      await watcher.until(({ about }) => about?.includes(`/sys/proc/${ring.pid}/`) ?? false)
      delays.push(performance.now() - formed)
      await ring.stop()
    }
    watcher.socket.terminate()
    await live.stop()
    return { ours: median(delays), reference: periodMs, unit: 'ms' }
  },
}

/** CPU time of the whole process in seconds. */
function cpuOf(pid: number): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13).map(Number)
  return (user! + system!) / ticksPerSecond
}

async function share({ pid }: Live): Promise<number> {
  await delay(settleMs)
  const before = cpuOf(pid)
  await delay(watchedMs)
  return ((cpuOf(pid) - before) / watchedMs) * 100_000
}

export const deadlockPrice: Measure = {
  name: 'deadlock-price',
  what: 'live: CPU of the service beside 4,000 waiting threads, a default timer armed for each; with none',
  target: null,
  run: async () => {
    const flock = await start('threads', [100, 40])
    const live = await Live.start()
    const reference = await share(live)
    await live.put('/sys/timeout', { after: '1h' })
    const ours = await share(live)
    await live.stop()
    await flock.stop()
    return { ours, reference, unit: '%' }
  },
}

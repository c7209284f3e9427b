/**
 * Measures the time from a program opening descriptors to the threshold event at a WebSocket client. The service has
 * its default settings.
 */

import { readdirSync } from 'node:fs'
import { Live } from '../../test/support/live.ts'
import { start } from '../../test/support/programs.ts'
import { type Measure, median } from '../measure.ts'

const rounds = 25
const periodMs = 25
const opened = 4

export const trip: Measure = {
  name: 'trip',
  what: 'fds pass a threshold → a WebSocket client has the event; the sampling period',
  target: { text: '≤ 2 periods', met: ({ ours, reference }) => ours <= 2 * reference },
  run: async () => {
    const live = await Live.start()
    const delays: number[] = []
    for (let round = 0; round < rounds; round++) {
      // The program opens four descriptors, slowly enough for the setup, and prints a line right after the last one.
      const hog = await start('fd-hog', [200, opened])
      const passed = hog.line().then(() => performance.now())
      const before = readdirSync(`/proc/${hog.pid}/fd`).length
      const path = `/sys/proc/${hog.pid}`
      await live.until(path, ({ usage }) => usage !== undefined)
      const watcher = await live.watch(`${path}?types=threshold.tripped`)
      await live.put(`${path}/fds/threshold/hog`, { at: before + opened })
      await watcher.until(1)
      delays.push(performance.now() - (await passed))
      watcher.socket.terminate()
      await hog.stop()
    }
    await live.stop()
    return { ours: median(delays), reference: periodMs, unit: 'ms' }
  },
}

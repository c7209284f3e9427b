/**
 * Measures the delay from the start of a process to its event at a WebSocket client, at 2,000 forks a second, and
 * checks that no event is missing.
 */

import { Live } from '../../test/support/live.ts'
import { start } from '../../test/support/programs.ts'
import { type Measure, percentile } from '../measure.ts'

const forks = 4_000
const perSecond = 2_000
const targetMs = 5

export const births: Measure = {
  name: 'births',
  what: `process born at ${perSecond} forks/s → a WebSocket client has the event, 99th percentile; none may be missed`,
  target: { text: '≤ 5 ms', met: ({ ours, reference }) => ours <= reference },
  run: async () => {
    const live = await Live.start()
    const watcher = await live.watch('/sys?types=process.created,process.died,events.lost')
    const storm = await start('fork-storm', [forks, perSecond])
    const delays: number[] = []
    watcher.socket.on('message', (data: Buffer) => {
      const {
        type,
        time,
        data: facts,
      } = JSON.parse(data.toString()) as { type: string; time: string; data: { parent: number } }
      if (type === 'process.created' && facts.parent === storm.pid) delays.push(Date.now() - Date.parse(time))
    })
    storm.send('go')
    await storm.line()
    await storm.stop()
    await watcher.until(({ type, subject }) => type === 'process.died' && subject === `/sys/proc/${storm.pid}`)
    await live.stop()
    if (delays.length !== forks) throw new Error(`${forks - delays.length} of ${forks} births were not told`)
    return { ours: percentile(delays, 0.99), reference: targetMs, unit: 'ms' }
  },
}

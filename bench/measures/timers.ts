/**
 * Measures arming and cancelling a million timers, none of which expires. Most timeouts of kernel calls never expire
 * either.
 */

import { TimerWheel, WheelTimer } from '../../src/kernel/time/timer-wheel.ts'
import { cpuTimed, interleave, type Measure } from '../measure.ts'

const timers = 1_000_000
const rounds = 5
/** Number of different expiry times, from one second up. */
const spreadMs = 10_000
const delays = Array.from({ length: timers }, (_, place) => 1000 + ((place * 7919) % spreadMs))

/** Timers exist before the measurement as parts of their owners, because the lists are intrusive. */
function onWheel(wheel: TimerWheel<WheelTimer>, made: readonly WheelTimer[]): void {
  for (const [place, timer] of made.entries()) wheel.arm(timer, wheel.now + delays[place]!)
  for (const timer of made) wheel.cancel(timer)
  if (wheel.nextAt() !== null) throw new Error('a timer is left')
}

function onNode(): void {
  const armed = delays.map((delay) => setTimeout(() => {}, delay))
  for (const timer of armed) clearTimeout(timer)
}

export const timerWheel: Measure = {
  name: 'timers',
  what: '1,000,000 timers armed and cancelled; setTimeout and clearTimeout',
  target: { text: '≥ 10 times less', met: ({ ours, reference }) => reference / ours >= 10 },
  run: async () => {
    const wheel = new TimerWheel<WheelTimer>(1_700_000_000_000)
    const made = delays.map(() => new WheelTimer())
    const figures = await interleave(rounds, {
      ours: () => cpuTimed(() => onWheel(wheel, made)),
      reference: () => cpuTimed(onNode),
    })
    const each = 1e6 / timers
    return { ours: figures.ours * each, reference: figures.reference * each, unit: 'ns' }
  },
}

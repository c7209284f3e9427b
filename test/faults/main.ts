/** `npm run faults [-- KILLS [SEED]]`: kills a service many times under load, and reports events that were lost. */

import { seedMax } from '../../src/scenario/random.ts'
import { killRepeatedly } from './kill/kill-runs.ts'

const [kills = '100', seed = String(Math.floor(Math.random() * seedMax))] = process.argv.slice(2)
if (!/^[1-9]\d*$/.test(kills) || !/^\d+$/.test(seed) || Number(seed) > seedMax) {
  process.stderr.write(`npm run faults -- KILLS SEED: two whole numbers, the seed up to ${seedMax}\n`)
  process.exit(1)
}

const began = performance.now()
console.log(`seed ${seed}: npm run faults -- ${kills} ${seed} repeats this run`)
const { whileStarting, stored, sent, acknowledged, faults } = await killRepeatedly({
  kills: Number(kills),
  seed: Number(seed),
  onKill: (count) => process.stderr.write(`\r${count} of ${kills} kills`),
})
process.stderr.write('\r')
const seconds = ((performance.now() - began) / 1000).toFixed(0)
const number = (count: number): string => count.toLocaleString('en')
console.log(
  `killed ${kills} times in ${seconds} s, ${whileStarting} of them during start; ${number(stored)} events stored, ${number(sent)} sent to five subscribers, ${number(acknowledged)} thresholds set or deleted`,
)
for (const fault of faults.slice(0, 20)) console.log(`WRONG: ${fault}`)
console.log(faults.length === 0 ? 'no event was lost or sent twice' : `${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1

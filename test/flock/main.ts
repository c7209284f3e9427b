/** `npm run flock [seconds]`: runs the flock for a long time and prints the result. */

import { controllersText, Flock } from './flock.ts'

const seconds = Number(process.argv[2] ?? 120)
const flock = new Flock()
const { run, verdict, kills } = await flock.run({
  ms: seconds * 1000,
  everyMs: 5000,
  say: (text) => console.log(text),
})
console.log(`${kills} kills in ${seconds} s; ${run.events.length} events that controllers listen for`)
console.log(controllersText(run, verdict))
for (const fault of verdict.faults) console.log(`FAULT: ${fault}`)
await flock.end({ preserve: verdict.faults.length > 0 })
if (verdict.faults.length > 0) console.log(`files preserved in ${flock.directory}`)
process.exitCode = verdict.faults.length === 0 ? 0 : 1

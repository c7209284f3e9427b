/** `npm run explore` runs every interleaving of the large systems. An argument selects systems by part of the name. */

import { Exploration } from './exploration.ts'
import { largePlans } from './plans.ts'

const [wanted = ''] = process.argv.slice(2)
let states = 0
let isWrong = false
for (const [name, plan] of Object.entries(largePlans)) {
  if (!name.includes(wanted)) continue
  const began = performance.now()
  const progress = (count: number) => process.stderr.write(`\r${name}: ${count.toLocaleString('en')} states so far`)
  const found = new Exploration(plan, progress).run()
  states += found.states
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  process.stderr.write('\r')
  console.log(`${name}: ${found.states.toLocaleString('en')} states, ${found.transitions.toLocaleString('en')} transitions in ${seconds} s; \
${found.stuck.toLocaleString('en')} times a thread was stuck, ${found.detected.toLocaleString('en')} of them found; events ${JSON.stringify(found.eventCounts)}`)
  for (const [what, count] of found.mistakes) console.log(`  WRONG ${count} times: ${what}`)
  isWrong ||= found.mistakes.size > 0
}
console.log(
  `${states.toLocaleString('en')} states visited; the detector is ${isWrong ? 'WRONG' : 'right'} in all of them`,
)
process.exitCode = isWrong ? 1 : 0

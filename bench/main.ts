/**
 * Runs the benchmarks: `npm run bench` runs every measure and prints one table; `npm run bench -- NAME` runs one. A
 * measure that fails, or whose program is missing, has a line that says so, and the others still run.
 */

import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { endStarted, runEnvironment } from '../test/support/end-leftovers.ts'
import { isInstalled } from '../test/support/required-programs.ts'
import type { Figures, Measure } from './measure.ts'
import { births } from './measures/births.ts'
import { callsHttp, callsHttpMillion } from './measures/calls-http.ts'
import {
  counters,
  countersArmed,
  countersByCount,
  countersElsewhere,
  countersMemory,
  countersMillion,
  countersOff,
} from './measures/counters.ts'
import { deadlockLive, deadlockPrice } from './measures/deadlock-live.ts'
import { deadlockBlock, deadlockWalk } from './measures/deadlock-walk.ts'
import { fanOut } from './measures/fan-out.ts'
import { httpThread } from './measures/http.ts'
import { journal } from './measures/journal.ts'
import { modelCalls, modelCallsMillion } from './measures/model-calls.ts'
import { reads } from './measures/reads.ts'
import { tripMonit, tripMonitCpu, tripPrometheus, tripPrometheusCpu } from './measures/rivals.ts'

import { scan, scanWide } from './measures/scan.ts'
import { snapshot } from './measures/snapshot.ts'
import { streams } from './measures/streams.ts'
import { timerWheel } from './measures/timers.ts'
import { trip } from './measures/trip.ts'

const measures: readonly Measure[] = [
  tripMonit,
  tripMonitCpu,
  tripPrometheus,
  tripPrometheusCpu,
  trip,
  scan,
  scanWide,
  reads,
  births,
  counters,
  countersMillion,
  countersMemory,
  countersElsewhere,
  countersArmed,
  ...countersByCount,
  countersOff,
  timerWheel,
  deadlockWalk,
  deadlockBlock,
  deadlockLive,
  deadlockPrice,
  modelCalls,
  modelCallsMillion,
  callsHttp,
  callsHttpMillion,
  httpThread,
  snapshot,
  fanOut,
  ...streams,
  journal,
]

// A measured service stores nothing on disk, unless the measure needs it.
process.env.INTROSPECTD_DATA ??= 'memory'
Object.assign(process.env, runEnvironment)
const [wanted] = process.argv.slice(2)
const chosen =
  wanted === undefined ? measures : measures.filter(({ name }) => name === wanted || name.startsWith(`${wanted}-`))
if (chosen.length === 0) {
  process.stderr.write(`there is no measure ${wanted}; there are ${measures.map(({ name }) => name).join(', ')}\n`)
  process.exit(1)
}

const number = (value: number): string =>
  value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)

function line({ name, what, target }: Measure, figures: Figures): string {
  const { ours, reference, unit } = figures
  const verdict = target === null ? '–' : target.met(figures) ? 'met' : 'not met'
  const cells = [
    name,
    what,
    `${number(ours)} ${unit}`,
    `${number(reference)} ${unit}`,
    number(reference / ours),
    target?.text ?? '–',
    verdict,
  ]
  return `| ${cells.join(' | ')} |\n`
}

process.stdout.write(
  '| measure | what; reference | ours | reference | reference / ours | target | |\n| --- | --- | --- | --- | --- | --- | --- |\n',
)
const results: Record<string, Figures> = {}

async function lineOf(measure: Measure): Promise<string> {
  const { name, what, needs = {} } = measure
  const missing = Object.keys(needs).filter((program) => !isInstalled(program))
  if (missing.length > 0) {
    const install = `apt-get install -y ${missing.map((program) => needs[program]).join(' ')}`
    return `| ${name} | ${what} | – | – | – | – | not measured: no ${missing.join(', ')} (${install}) |\n`
  }
  try {
    results[name] = await measure.run()
    return line(measure, results[name])
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.stack : error}\n`)
    process.exitCode = 1
    endStarted({ spares: () => false })
    return `| ${name} | ${what} | – | – | – | – | failed |\n`
  }
}

for (const measure of chosen) process.stdout.write(await lineOf(measure))
const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? null, node: process.version }
writeFileSync(new URL('results.json', import.meta.url), `${JSON.stringify({ machine, results }, null, 2)}\n`)
// A measure that failed may have left servers open, which would hold up the end.
process.exit()

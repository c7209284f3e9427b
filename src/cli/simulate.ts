/**
 * `introspectd simulate`: runs scenarios, each on a machine of its own. Events go to standard output as NDJSON, byte for byte
 * the same for the same file and seed; what became of what was expected goes to standard error.
 */

import { readFileSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { z } from 'zod'
import { Kernel } from '../kernel/kernel.ts'
import { Machine } from '../kernel/machine.ts'
import { modelAbilities } from '../kernel/model-abilities.ts'
import { Seed } from '../scenario/file.ts'
import { problemText, ScenarioError } from '../scenario/problems.ts'
import { ScenarioRun, type Verdict } from '../scenario/run.ts'
import { readScenario, type Scenario } from '../scenario/scenario.ts'
import { defineCommand } from './command.ts'
import { EventPrinter } from './event-printer.ts'

export interface Simulation {
  readonly files: readonly string[]
  /** In place of those of the files. */
  readonly seed?: number
  /** Prints no events. */
  readonly quiet?: boolean
}

export interface Output {
  readonly events: Writable
  readonly verdicts: Writable
}

/** Exit codes. */
const met = 0
const notMet = 1
const wrongFile = 2

/** @returns the exit code: 0 all is as expected, 1 something differs, 2 a file is wrong, and then none was run. */
export async function simulate(simulation: Simulation, output: Output): Promise<0 | 1 | 2> {
  const scenarios = readAll(simulation.files, output.verdicts)
  if (scenarios === null) return wrongFile
  const printer = new EventPrinter(output.events)
  const verdicts: Verdict[] = []
  for (const scenario of scenarios) {
    const verdict = await run(scenario, simulation, printer)
    output.verdicts.write(verdictText(scenario, verdict))
    verdicts.push(verdict)
  }
  return verdicts.every((verdict) => verdict.met) ? met : notMet
}

/** Null where a file is wrong: what is wrong with each is told. */
function readAll(files: readonly string[], errors: Writable): readonly Scenario[] | null {
  const scenarios = files.flatMap((file) => {
    try {
      return [readScenario(readFileSync(file, 'utf8'), file)]
    } catch (error) {
      if (error instanceof ScenarioError) errors.write(`${error.message}\n`)
      else if (error instanceof Error && 'code' in error) errors.write(`${file}: cannot be read: ${error.message}\n`)
      else throw error
      return []
    }
  })
  return scenarios.length === files.length ? scenarios : null
}

/** Virtual time begins here, so that a run is the same whenever it is. */
const beginning = 0
/** Of the kernel's clock, between two looks at whether the reader keeps up. */
const sliceMs = 1000

async function run(scenario: Scenario, { seed, quiet = false }: Simulation, printer: EventPrinter): Promise<Verdict> {
  const kernel = new Kernel({ abilities: modelAbilities, firstRevision: 1, now: beginning })
  const machine = new Machine(kernel)
  printer.beginAnew()
  if (!quiet) kernel.onEvent = (event) => printer.print(event)
  const scenarioRun = new ScenarioRun(machine, scenario, seed === undefined ? {} : { seed })
  while (!scenarioRun.isOver) {
    scenarioRun.proceed(Math.min(kernel.now + sliceMs, scenarioRun.endsAt))
    await printer.caughtUp()
  }
  return scenarioRun.verdict()
}

function verdictText({ file, title }: Scenario, { met: isMet, differences, calls, events, ranMs }: Verdict): string {
  const ran = `${calls} calls, ${events} events, ${ranMs}ms`
  const lines = differences.map((difference) => `  ${problemText(file, difference)}\n`)
  return `${file}: ${isMet ? 'met' : 'NOT MET'}: ${title} (${ran})\n${lines.join('')}`
}

export const simulateCommand = defineCommand({
  name: 'simulate',
  summary: 'run scenarios on the model, each on a machine of its own, and hold them to what they expect',
  args: { files: z.array(z.string()).min(1, 'name the file of a scenario, or several').describe('files of scenarios') },
  options: {
    seed: Seed.optional().describe('in place of those of the files'),
    quiet: z.boolean().default(false).describe('print no events'),
  },
  settings: [],
  examples: ['introspectd simulate scenarios/two-lock-deadlock.yaml', 'introspectd simulate --quiet scenarios/*.yaml'],
  run: async ({ args: { files }, options: { seed, quiet } }) => {
    const simulation = { files, quiet, ...(seed !== undefined && { seed }) }
    process.exitCode = await simulate(simulation, { events: process.stdout, verdicts: process.stderr })
  },
})

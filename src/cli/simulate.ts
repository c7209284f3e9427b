/**
 * `introspectd simulate`: runs scenarios, each on a machine of its own. Events go to standard output as NDJSON, byte for byte
 * the same for the same file and seed; what became of what was expected goes to standard error.
 */

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { KernelError } from '../kernel/errno.ts'
import { Kernel } from '../kernel/kernel.ts'
import { Machine } from '../kernel/machine.ts'
import { modelAbilities } from '../kernel/model-abilities.ts'
import { Seed } from '../scenario/file.ts'
import { problemText, ScenarioError } from '../scenario/problems.ts'
import { ScenarioRun, type Verdict } from '../scenario/run.ts'
import { readScenario, type Scenario } from '../scenario/scenario.ts'
import { readStateFile, StateFileError, writeStateFile } from '../scenario/state-file.ts'
import { defineCommand } from './command.ts'
import { CliError } from './error.ts'
import { EventPrinter } from './event-printer.ts'

export interface Simulation {
  readonly files: readonly string[]
  /** In place of those of the files. */
  readonly seed?: number
  /** Prints no events. */
  readonly quiet?: boolean
  /** File of a state that each begins in, in place of a new machine. */
  readonly state?: string
  /** File that the state is written to in which it ends: of one scenario. */
  readonly save?: string
}

export interface Output {
  readonly events: NodeJS.WritableStream
  readonly verdicts: NodeJS.WritableStream
}

/** Exit codes. */
const met = 0
const notMet = 1
const wrongFile = 2

/** @returns the exit code: 0 all is as expected, 1 something differs, 2 a file is wrong, and then none was run. */
export async function simulate(simulation: Simulation, output: Output): Promise<0 | 1 | 2> {
  if (simulation.save !== undefined && simulation.files.length > 1)
    throw new CliError(`--save keeps the state of one scenario, and there are ${simulation.files.length}`)
  const scenarios = readAll(simulation.files, output.verdicts)
  if (scenarios === null) return wrongFile
  try {
    const verdicts = await runAll(scenarios, simulation, output)
    return verdicts.every((verdict) => verdict.met) ? met : notMet
  } catch (error) {
    if (!(error instanceof StateFileError || error instanceof KernelError)) throw error
    output.verdicts.write(`${error.message}\n`)
    return wrongFile
  }
}

/** @throws StateFileError, and KernelError EINVAL where the state is so late that the clock would end before a run does */
async function runAll(scenarios: readonly Scenario[], simulation: Simulation, output: Output): Promise<Verdict[]> {
  const { state, save } = simulation
  const printer = new EventPrinter(output.events)
  const verdicts: Verdict[] = []
  for (const scenario of scenarios) {
    const machine = state === undefined ? freshMachine() : readStateFile(state)
    const verdict = await run(machine, scenario, simulation, printer)
    output.verdicts.write(verdictText(scenario, verdict))
    verdicts.push(verdict)
    if (save !== undefined) writeStateFile(save, machine)
  }
  return verdicts
}

/** Null where a file is wrong: what is wrong with each is told. */
function readAll(files: readonly string[], errors: NodeJS.WritableStream): readonly Scenario[] | null {
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

const freshMachine = (): Machine =>
  new Machine(new Kernel({ abilities: modelAbilities, firstRevision: 1, now: beginning }))

async function run(
  machine: Machine,
  scenario: Scenario,
  { seed, quiet = false }: Simulation,
  printer: EventPrinter,
): Promise<Verdict> {
  const { kernel } = machine
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
    state: z.string().min(1).optional().describe('file of a state that each begins in, in place of a new machine'),
    save: z.string().min(1).optional().describe('file to write the state to in which the one scenario ends'),
  },
  settings: [],
  examples: [
    'introspectd simulate scenarios/two-lock-deadlock.yaml',
    'introspectd simulate --quiet scenarios/*.yaml',
    'introspectd simulate --save deadlocked.json scenarios/two-lock-deadlock.yaml',
  ],
  run: async ({ args: { files }, options: { quiet, ...others }, io }) => {
    const given = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined))
    io.setExitCode(await simulate({ files, quiet, ...given }, { events: io.stdout, verdicts: io.stderr }))
  },
})

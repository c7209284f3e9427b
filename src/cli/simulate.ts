/**
 * Runs scenarios on the model, each on a fresh machine, and checks their expectations. Events go to standard output as
 * NDJSON. They are byte for byte the same for the same file and seed. Results go to standard error.
 */

import { readFileSync } from 'node:fs'
import { KernelError } from '../kernel/errno.ts'
import { Kernel } from '../kernel/kernel.ts'
import { modelAbilities } from '../model/abilities.ts'
import { Machine } from '../model/machine.ts'
import { problemText, ScenarioError } from '../scenario/problems.ts'
import { ScenarioRun, type Verdict } from '../scenario/run.ts'
import { readScenario, type Scenario } from '../scenario/scenario.ts'
import { readStateFile, StateFileError, writeStateFile } from '../scenario/state-file.ts'
import { CliError } from './error.ts'
import { EventPrinter } from './event-printer.ts'
import { exitCodes } from './exit-codes.ts'

export interface Simulation {
  readonly files: readonly string[]
  /** Overrides the seeds of the files. */
  readonly seed?: number
  /** Prints no events. */
  readonly quiet?: boolean
  /** Path of a state file in which each scenario starts. Default: a fresh machine. */
  readonly state?: string
  /** Path of the file to which the final state is written. Allowed with one scenario only. */
  readonly save?: string
}

export interface Output {
  readonly events: NodeJS.WritableStream
  readonly verdicts: NodeJS.WritableStream
}

const met = exitCodes.done.code
const notMet = exitCodes.failed.code
const wrongFile = exitCodes.wrongFile.code

/** @returns the exit code: 0 if all expectations are met, 1 if not, 2 if a file is wrong; then no scenario was run */
export async function simulate(simulation: Simulation, output: Output): Promise<0 | 1 | 2> {
  if (simulation.save !== undefined && simulation.files.length > 1)
    throw new CliError(`--save works with one scenario, not with ${simulation.files.length}`)
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

/**
 * @throws StateFileError; KernelError EINVAL if the clock of the state is so late that it would overflow during a run
 */
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

/** Reads all scenarios, and writes what is wrong to `errors`. Returns null if a file is wrong. */
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

/** Start of virtual time in ms. It is fixed, so that every run has the same output. */
const startMs = 0
/** Kernel time between two checks whether the reader keeps up. */
const sliceMs = 1000

function freshMachine(): Machine {
  return new Machine(new Kernel({ abilities: modelAbilities, firstRevision: 1, now: startMs }))
}

async function run(
  machine: Machine,
  scenario: Scenario,
  { seed, quiet = false }: Simulation,
  printer: EventPrinter,
): Promise<Verdict> {
  const { kernel } = machine
  printer.reset()
  if (!quiet) kernel.onEvent((event) => printer.print(event))
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

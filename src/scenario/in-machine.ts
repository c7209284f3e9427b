/** Runs scenarios on the machine of a running service, and stores the report of the last run. */

import type { Machine } from '../model/machine.ts'
import type { ScenarioReport, Scenarios } from '../tree/context.ts'
import { MalformedFile } from '../tree/errors.ts'
import { ScenarioError } from './problems.ts'
import { runScenario } from './run.ts'
import { readScenario, type Scenario } from './scenario.ts'

export class MachineScenarios implements Scenarios {
  readonly #host: { readonly machine: Machine }
  last: ScenarioReport | null = null

  /** @param host holds the current machine, which can be replaced by another */
  constructor(host: { readonly machine: Machine }) {
    this.#host = host
  }

  run(text: string): ScenarioReport {
    return this.play(read(text))
  }

  play(scenario: Scenario): ScenarioReport {
    this.last = { title: scenario.title, ...runScenario(this.#host.machine, scenario) }
    return this.last
  }
}

/** @throws MalformedFile */
function read(text: string): Scenario {
  try {
    return readScenario(text, 'scenario')
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error
    throw new MalformedFile(error.problems.map(({ line, column, message }) => ({ line, column, detail: message })))
  }
}

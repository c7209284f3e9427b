/** Runs scenarios in a machine that has a life of its own, and keeps what came of the last. */

import type { Machine } from '../model/machine.ts'
import type { ScenarioReport, Scenarios } from '../tree/context.ts'
import { MalformedFile } from '../tree/errors.ts'
import { ScenarioError } from './problems.ts'
import { runScenario } from './run.ts'
import { readScenario, type Scenario } from './scenario.ts'

export class MachineScenarios implements Scenarios {
  readonly #host: { readonly machine: Machine }
  last: ScenarioReport | null = null

  /** @param host has the machine: another may take its place */
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

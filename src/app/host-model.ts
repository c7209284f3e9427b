/** Creates the model and its kernel, as configured: fresh or from a state file, with a scenario or without. */

import { readFileSync } from 'node:fs'
import { ConfigError } from '../config/error.ts'
import type { Config } from '../config/settings.ts'
import { Kernel } from '../kernel/kernel.ts'
import { modelAbilities } from '../model/abilities.ts'
import { Machine } from '../model/machine.ts'
import { problemText, ScenarioError } from '../scenario/problems.ts'
import { readScenario, type Scenario } from '../scenario/scenario.ts'
import { readStateFile, StateFileError } from '../scenario/state-file.ts'
import type { Hosted, HostParts } from './host.ts'
import { HostedModel } from './hosted-model.ts'

/**
 * With a virtual clock the same calls give identical events, so every counter starts at a fixed number.
 * @throws ConfigError
 */
export function hostModelKernel(
  { clock, scenario: file, state, pools = {} }: Config,
  { logger, clock: time }: HostParts,
): Hosted {
  const now = () => time.now()
  const scenario = file === undefined ? null : readScenarioFile(file, clock)
  const virtual = clock === 'virtual'
  const machine = state === undefined ? freshMachine(virtual ? 0 : Math.trunc(now()), virtual) : readState(state, clock)
  const begin = () => {
    model.machine.putPools(pools)
    if (scenario === null) return
    const { met, differences } = model.scenarios.play(scenario)
    if (!met) logger.warn({ file, differences }, 'the scenario did not meet its expectations')
  }
  const model: HostedModel = new HostedModel(machine, { clock, now, begin })
  return { kernel: machine.kernel, source: model.source, model, ...(virtual && { firstSequence: 1 }) }
}

function freshMachine(now: number, virtual: boolean): Machine {
  return new Machine(new Kernel({ abilities: modelAbilities, firstRevision: virtual ? 1 : now * 1000, now }))
}

/** @throws ConfigError */
function readState(file: string, clock: Config['clock']): Machine {
  if (clock === 'real') throw new ConfigError('--state contains a time: it needs --clock virtual')
  try {
    return readStateFile(file)
  } catch (error) {
    if (!(error instanceof StateFileError)) throw error
    throw new ConfigError(`--state ${error.message}`)
  }
}

/** @throws ConfigError */
function readScenarioFile(file: string, clock: Config['clock']): Scenario {
  if (clock === 'real') throw new ConfigError('--scenario runs on its own time: it needs --clock virtual')
  try {
    return readScenario(readFileSync(file, 'utf8'), file)
  } catch (error) {
    const [first] = error instanceof ScenarioError ? error.problems : []
    if (first !== undefined) throw new ConfigError(`--scenario ${problemText(file, first)}`)
    throw new ConfigError(`--scenario ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

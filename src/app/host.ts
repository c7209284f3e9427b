/** Creates the kernel and its source, as configured: the live machine or the model. */

import { readFileSync } from 'node:fs'
import type { FastifyBaseLogger } from 'fastify'
import { didYouMean } from '../base/nearest.ts'
import { ConfigError } from '../config/error.ts'
import type { Config } from '../config/settings.ts'
import { Kernel } from '../kernel/kernel.ts'
import { limits } from '../kernel/limits/table.ts'
import { modelAbilities } from '../model/abilities.ts'
import { Machine } from '../model/machine.ts'
import type { ServiceClock } from '../runtime/clock.ts'
import { problemText, ScenarioError } from '../scenario/problems.ts'
import { readScenario, type Scenario } from '../scenario/scenario.ts'
import { readStateFile, StateFileError } from '../scenario/state-file.ts'
import type { AppParts } from './build.ts'
import { HostedModel } from './hosted-model.ts'

export type Hosted = Pick<AppParts, 'kernel' | 'source' | 'firstSequence' | 'model'>

export interface HostParts {
  readonly logger: FastifyBaseLogger
  readonly clock: Pick<ServiceClock, 'now' | 'offset'>
}

/** @throws ConfigError */
export async function hostKernel(config: Config, hostParts: HostParts): Promise<Hosted> {
  const modelSetting = (['scenario', 'state', 'pools'] as const).find((setting) => config[setting] !== undefined)
  if (config.source !== 'model' && modelSetting !== undefined)
    throw new ConfigError(`--${modelSetting} needs --source model`)
  const hosted = config.source === 'model' ? hostModel(config, hostParts) : await hostLinux(config, hostParts)
  switchNotifier(hosted.kernel, config)
  return hosted
}

/** @throws ConfigError */
function switchNotifier({ notifier }: Kernel, { notifier: whole, limitsOff = [] }: Config): void {
  const names: readonly string[] = limits.map(({ name }) => name)
  for (const name of limitsOff) {
    const index = names.indexOf(name)
    if (index === -1) throw new ConfigError(`--limits-off: there is no limit ${name}${didYouMean(name, names)}`)
    notifier.switch(index, false)
  }
  if (whole === 'off') notifier.switch(null, false)
}

/** Loads the live source only when it is needed: the C library that it calls exists on Linux only. */
async function hostLinux(config: Config, hostParts: HostParts): Promise<Hosted> {
  const { hostMachine } = await import('./host-linux.ts')
  return hostMachine(config, hostParts)
}

/** With a virtual clock the same calls give identical events, so every counter starts at a fixed number. */
function hostModel({ clock, scenario: file, state, pools = {} }: Config, { logger, clock: time }: HostParts): Hosted {
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

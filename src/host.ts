/** Makes the kernel and what feeds it, as configured: a live machine, or the model. */

import { readFileSync } from 'node:fs'
import type { FastifyBaseLogger } from 'fastify'
import type { AppParts } from './app.ts'
import { ConfigError } from './config/error.ts'
import type { Config } from './config.ts'
import { Kernel } from './kernel/kernel.ts'
import { limits } from './kernel/limits/table.ts'
import { Machine } from './kernel/machine.ts'
import { modelAbilities } from './kernel/model-abilities.ts'
import { didYouMean } from './nearest.ts'
import { MachineScenarios } from './scenario/in-machine.ts'
import { problemText, ScenarioError } from './scenario/problems.ts'
import { readScenario, type Scenario } from './scenario/scenario.ts'
import { linuxAbilities } from './sources/linux/abilities.ts'
import { LinuxSource } from './sources/linux/linux-source.ts'
import { ModelSource } from './sources/model-source.ts'

type Hosted = Pick<AppParts, 'kernel' | 'source' | 'firstSequence' | 'model'>

interface Surroundings {
  readonly logger: FastifyBaseLogger
  /** ms of Unix time. */
  readonly now: () => number
}

/** @throws ConfigError */
export function hostKernel(config: Config, surroundings: Surroundings): Hosted {
  if (config.source !== 'model' && config.scenario !== undefined)
    throw new ConfigError('--scenario needs --source model')
  const hosted = config.source === 'model' ? hostModel(config, surroundings) : hostLinux(config, surroundings)
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

function hostLinux(config: Config, { logger, now }: Surroundings): Hosted {
  const periods = { fastMs: config.period, fullMs: config.fullPeriod, livesTold: false }
  const kernel = new Kernel({
    abilities: linuxAbilities(periods),
    selfPid: process.pid,
    firstRevision: Math.round(now() * 1000),
    now: now(),
  })
  const source = new LinuxSource(kernel, {
    procRoot: config.procRoot,
    cgroupRoot: config.cgroupRoot,
    periodMs: config.period,
    fullPeriodMs: config.fullPeriod,
    idleBudget: config.idleBudget / 100,
    armedBudget: config.armedBudget / 100,
    periods,
    now,
    onFault: (error) => logger.error({ err: error }, 'a worker of the live source ended'),
  })
  return { kernel, source }
}

/** On a virtual clock the same calls give the same events, byte for byte: so all that counts begins at the same number. */
function hostModel({ clock, scenario: file }: Config, { now }: Surroundings): Hosted {
  const scenario = file === undefined ? null : readScenarioFile(file, clock)
  const virtual = clock === 'virtual'
  const startedAt = virtual ? 0 : Math.trunc(now())
  const kernel = new Kernel({
    abilities: modelAbilities,
    firstRevision: virtual ? 1 : startedAt * 1000,
    now: startedAt,
  })
  const machine = new Machine(kernel)
  const scenarios = new MachineScenarios(machine)
  const begin = () => {
    if (scenario !== null) scenarios.play(scenario)
  }
  const source = new ModelSource(machine, { clock, now, begin })
  const model = { machine, clock, scenarios, catchUp: () => source.catchUp() }
  return { kernel, source, model, ...(virtual && { firstSequence: 1 }) }
}

/** @throws ConfigError */
function readScenarioFile(file: string, clock: Config['clock']): Scenario {
  if (clock === 'real') throw new ConfigError('--scenario has a time of its own: it needs --clock virtual')
  try {
    return readScenario(readFileSync(file, 'utf8'), file)
  } catch (error) {
    const [first] = error instanceof ScenarioError ? error.problems : []
    if (first !== undefined) throw new ConfigError(`--scenario ${problemText(file, first)}`)
    throw new ConfigError(`--scenario ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

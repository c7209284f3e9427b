/** Makes the kernel and what feeds it, as configured: a live machine, or the model. */

import type { FastifyBaseLogger } from 'fastify'
import type { AppParts } from './app.ts'
import type { Config } from './config.ts'
import { Kernel } from './kernel/kernel.ts'
import { Machine } from './kernel/machine.ts'
import { modelAbilities } from './kernel/model-abilities.ts'
import { linuxAbilities } from './sources/linux/abilities.ts'
import { LinuxSource } from './sources/linux/linux-source.ts'
import { ModelSource } from './sources/model-source.ts'

type Hosted = Pick<AppParts, 'kernel' | 'source' | 'firstSequence' | 'model'>

interface Surroundings {
  readonly logger: FastifyBaseLogger
  /** ms of Unix time. */
  readonly now: () => number
}

export const hostKernel = (config: Config, surroundings: Surroundings): Hosted =>
  config.source === 'model' ? hostModel(config, surroundings) : hostLinux(config, surroundings)

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
function hostModel({ clock }: Config, { now }: Surroundings): Hosted {
  const virtual = clock === 'virtual'
  const startedAt = virtual ? 0 : Math.trunc(now())
  const kernel = new Kernel({
    abilities: modelAbilities,
    firstRevision: virtual ? 1 : startedAt * 1000,
    now: startedAt,
  })
  const source = new ModelSource(new Machine(kernel), { clock, now })
  return { kernel, source, model: source, ...(virtual && { firstSequence: 1 }) }
}

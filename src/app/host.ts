/** Creates the kernel and its source, as configured: the live machine or the model. */

import type { FastifyBaseLogger } from 'fastify'
import { didYouMean } from '../base/nearest.ts'
import { ConfigError } from '../config/error.ts'
import type { Config } from '../config/settings.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { limits } from '../kernel/limits/table.ts'
import type { ServiceClock } from '../runtime/clock.ts'
import type { AppParts } from './build.ts'

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
  const hosted = config.source === 'model' ? await hostModel(config, hostParts) : await hostLinux(config, hostParts)
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

/** Loads the model only when it is needed, because it is large. */
async function hostModel(config: Config, hostParts: HostParts): Promise<Hosted> {
  const { hostModelKernel } = await import('./host-model.ts')
  return hostModelKernel(config, hostParts)
}

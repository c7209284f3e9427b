/** Creates the kernel of a live machine, and the source that observes it. */

import { bounds } from '../base/bounds.ts'
import { ConfigError } from '../config/error.ts'
import type { Config } from '../config/settings.ts'
import { Kernel } from '../kernel/kernel.ts'
import { linuxAbilities } from '../sources/linux/abilities.ts'
import { LinuxSource } from '../sources/linux/linux-source.ts'
import { dropAmbientCapabilities } from '../sources/linux/native/ambient-capabilities.ts'
import { descriptorsLeft } from '../sources/linux/native/descriptor-budget.ts'
import { findProcNamespace } from '../sources/linux/native/proc-namespace.ts'
import { findWhyNoOwners } from '../sources/linux/scan/kernel-features.ts'
import type { Hosted, HostParts } from './host.ts'

/** The most connections: the free file descriptors less those that the service reserves, and at least a quarter. */
export function descriptorsForConnections(): number {
  const left = descriptorsLeft()
  return Math.max(Math.floor(left / 4), left - bounds.ownDescriptors)
}

/** Commands of the configuration must not get the capabilities of the service. Call it on the main thread. */
export function dropCapabilitiesOfCommands(): void {
  dropAmbientCapabilities()
}

/** @throws ConfigError */
export function hostMachine(config: Config, { logger, clock }: HostParts): Hosted {
  const now = () => clock.now()
  // Pids in another procfs are not the pids that signals go to.
  if (config.allowActions && config.procRoot !== '/proc')
    throw new ConfigError(`--allow-actions needs --proc-root /proc, not ${config.procRoot}`)
  const namespace = findProcNamespace(config.procRoot)
  const periods = { fastMs: config.period, fullMs: config.fullPeriod, birthsReported: false }
  const kernel = new Kernel({
    abilities: linuxAbilities(periods, {
      allowActions: config.allowActions,
      showCmdlines: config.showCmdlines,
      ownNamespace: namespace.isOwn,
      noOwners: findWhyNoOwners(config.procRoot, namespace),
    }),
    ...(namespace.selfPid !== null && { selfPid: namespace.selfPid }),
    firstRevision: Math.round(now() * 1000),
    now: now(),
  })
  const source = new LinuxSource(kernel, {
    procRoot: config.procRoot,
    namespace,
    cgroupRoot: config.cgroupRoot,
    periodMs: config.period,
    fullPeriodMs: config.fullPeriod,
    idleBudget: config.idleBudget / 100,
    armedBudget: config.armedBudget / 100,
    periods,
    clockOffset: clock.offset,
    allowActions: config.allowActions,
    now,
    onFault: (error) => logger.error({ err: error }, 'a worker of the live source failed'),
  })
  return { kernel, source }
}

/** Chooses what the service serves on a system that is not Linux: the model, with a demo. */

import { fileURLToPath } from 'node:url'
import { ConfigError } from './error.ts'
import type { Config, Effective } from './settings.ts'

const demo = fileURLToPath(new URL('../../scenarios/two-lock-deadlock.yaml', import.meta.url))

interface Served {
  readonly config: Config
  /** One line that says why something else is served than the machine; null on Linux and for the model. */
  readonly note: string | null
}

/**
 * @param platform as Node names it
 * @throws ConfigError when the live machine was requested, and this is not Linux
 */
export function servedOn(platform: string, { config, origins }: Effective): Served {
  if (platform === 'linux' || config.source === 'model') return { config, note: null }
  const origin = origins.get('source')
  if (origin !== undefined)
    throw new ConfigError(`${origin}: a live machine needs Linux, and this is ${platform}; use --source model`)
  const isFree = config.scenario === undefined && config.state === undefined && config.clock === 'virtual'
  return {
    config: { ...config, source: 'model', ...(isFree && { scenario: demo }) },
    note: `a live machine needs Linux, and this is ${platform}: serving the model${isFree ? ', in which two threads are in a deadlock,' : ''} instead of this machine (--source model)`,
  }
}

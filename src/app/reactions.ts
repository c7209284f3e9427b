/** Builds the webhooks and commands of the service from its settings. */

import { hostname } from 'node:os'
import type { JournalStorage } from '../journal/journal.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { DeadLetterFile } from '../reactions/dead-letters.ts'
import { openConditions } from '../reactions/open-conditions.ts'
import type { ReactionPositions } from '../reactions/positions.ts'
import { Reactions } from '../reactions/reactions.ts'
import { type Route, type RouteSettings, routesOf } from '../reactions/route.ts'
import type { EventLog } from '../stream/event-log.ts'
import type { AppParts } from './build.ts'

export interface ReactionSettings extends RouteSettings {
  /** File of the dead letters; null has them in the log of the service only. */
  readonly deadLetterFile: string | null
}

interface ReactionParts {
  readonly log: EventLog
  readonly positions: ReactionPositions
  readonly currentKernel: () => Kernel
  /** Names of everything that is degraded at present. */
  readonly degraded: () => readonly string[]
}

/**
 * Preconditions: no event of this process is in the log yet. New routes begin with it.
 * @throws RouteError
 */
export function buildReactions(
  { kernel, version, logger, now, storage, reactions }: AppParts,
  { log, positions, currentKernel, degraded }: ReactionParts,
): Reactions {
  const routes = routesOf(kernel, reactions ?? {})
  positions.retain(routes)
  for (const warning of unstoredTypes(routes, storage?.stores)) logger.warn(warning)
  const { deadLetterFile = null } = reactions ?? {}
  return new Reactions({
    routes,
    log,
    source: nodeName(),
    version,
    positions,
    start: log.newest,
    deadLetters: deadLetterFile === null ? null : new DeadLetterFile(deadLetterFile),
    conditions: () => openConditions(currentKernel(), degraded()),
    logger,
    now,
  })
}

/** Routes that get events which the journal does not store: those are lost at a restart. */
export function unstoredTypes(routes: readonly Route[], stores: JournalStorage['stores'] = () => true): string[] {
  return routes.flatMap(({ kind, name, types }) => {
    const unstored = [...types].filter((type) => !stores(type))
    const list = unstored.join(', ')
    const loss = 'what is not delivered before a restart is lost'
    return unstored.length === 0 ? [] : [`${kind} ${name}: --journal-types does not store ${list}, so ${loss}`]
  })
}

/** CloudEvents `source` of this service. */
export function nodeName(): string {
  return `/net/${encodeURIComponent(hostname())}`
}

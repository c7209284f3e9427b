/** What clients have set on a kernel, as plain data that outlives a restart of the service, and how it comes back. */

import type { DefaultTimeout, TimeoutDefinition } from '../deadlock/default-timeout.ts'
import { KernelError } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { limitAt } from '../limits/places.ts'
import { type LimitName, limits } from '../limits/table.ts'
import type { ClearReason } from '../limits/thresholds/evaluator.ts'
import { exportSwitches, type SwitchesState, type ThresholdState } from '../limits/thresholds/settings.ts'
import type { Threshold, ThresholdDefinition } from '../limits/thresholds/threshold.ts'
import { containersOf, nodeAt } from '../nodes/lookup.ts'
import type { Node } from '../nodes/node.ts'
import { processOf } from '../nodes/owners.ts'
import { type OpenAlert, openAlerts, resumeWarnings } from './open-alerts.ts'

/** Null where it is on no process. */
interface Placed {
  readonly identity: string | null
}

export interface PersistedThreshold extends ThresholdState, Placed {
  readonly kind: 'threshold'
  /** When its `ttl` runs out, in ms of Unix time. */
  readonly endsAt: number | null
}

export interface PersistedTimeout extends Pick<DefaultTimeout, 'definition' | 'revision' | 'owner'>, Placed {
  readonly kind: 'timeout'
  readonly node: string
}

export interface PersistedSwitches extends SwitchesState {
  readonly kind: 'switches'
}

export type PersistedDefinition = PersistedThreshold | PersistedTimeout | PersistedSwitches

/** A threshold has told of a node that usage is past there, and not yet that it is back. */
export interface PersistedTrip extends Placed {
  /** Pathname of the threshold. */
  readonly threshold: string
  /** Of the limit at the node: the subject of the event. */
  readonly place: string
}

export interface PersistedSettings {
  readonly definitions: readonly PersistedDefinition[]
  readonly trips: readonly PersistedTrip[]
  readonly alerts: readonly OpenAlert[]
}

/** By which a definition is known. */
export function persistedPath(kept: PersistedDefinition): string {
  if (kept.kind === 'switches') return '/sys/notifier'
  if (kept.kind === 'timeout') return `${kept.node}/timeout`
  return `${kept.node}/${kept.limit}/threshold/${encodeURIComponent(kept.name)}`
}

function identityOf(node: Node): string | null {
  return processOf(node)?.identity ?? null
}

export function persistedThreshold(threshold: Threshold): PersistedThreshold {
  return {
    kind: 'threshold',
    node: threshold.node.path,
    identity: identityOf(threshold.node),
    limit: threshold.limit,
    name: threshold.name,
    definition: threshold.definition,
    revision: threshold.revision,
    owner: threshold.owner,
    endsAt: threshold.timer?.isArmed ? threshold.timer.at : null,
  }
}

export function persistedTimeout({ node, definition, revision, owner }: DefaultTimeout): PersistedTimeout {
  return {
    kind: 'timeout',
    node: node.path,
    identity: identityOf(node),
    definition,
    revision,
    owner,
  }
}

export function persistedSwitches(kernel: Kernel): PersistedSwitches {
  return {
    kind: 'switches',
    ...exportSwitches(kernel),
  }
}

/** All that is set now. */
export function exportSettings(kernel: Kernel): PersistedSettings {
  const thresholds = [...kernel.notifier.thresholds()]
  return {
    definitions: [
      persistedSwitches(kernel),
      ...[...kernel.timers.timeouts()].map(persistedTimeout),
      ...thresholds.map(persistedThreshold),
    ],
    alerts: openAlerts(kernel),
    trips: thresholds.flatMap(({ path, limit, watches }) =>
      [...watches.values()].flatMap(({ state, node }) =>
        state === 'tripped' ? [{ threshold: path, place: `${node.path}/${limit}`, identity: identityOf(node) }] : [],
      ),
    ),
  }
}

export interface RefusedSetting {
  readonly definition: PersistedThreshold | PersistedTimeout
  readonly reason: string
}

/**
 * Sets again what was set. What was set on a process that has ended has ended with it; what cannot be set here any more is
 * given back with the reason. Preconditions: all that lives is known; nothing is set here yet.
 */
export function restoreSettings(kernel: Kernel, { definitions, trips, alerts }: PersistedSettings): RefusedSetting[] {
  resumeWarnings(kernel, alerts, timeoutsOf(definitions))
  const places = new Places(kernel)
  const tripsOf = Map.groupBy(trips, ({ threshold }) => threshold)
  const refused: RefusedSetting[] = []
  for (const definition of definitions) {
    try {
      if (definition.kind === 'switches') restoreSwitches(kernel, definition)
      else if (definition.kind === 'timeout') restoreTimeout(kernel, places, definition)
      else restoreThreshold(kernel, places, definition, tripsOf.get(persistedPath(definition)) ?? [])
    } catch (error) {
      if (!(error instanceof KernelError) || definition.kind === 'switches') throw error
      refused.push({ definition, reason: error.message })
    }
  }
  return refused
}

function timeoutsOf(definitions: readonly PersistedDefinition[]): ReadonlyMap<string, TimeoutDefinition> {
  return new Map(
    definitions.flatMap((kept) => (kept.kind === 'timeout' ? [[persistedPath(kept), kept.definition]] : [])),
  )
}

/** What configuration has switched off stays off. */
function restoreSwitches({ notifier }: Kernel, { enabled, disabled }: PersistedSwitches): void {
  if (!enabled) notifier.switch(null, false)
  for (const [index, { name }] of limits.entries()) if (disabled.includes(name)) notifier.switch(index, false)
}

function restoreTimeout({ timers }: Kernel, places: Places, kept: PersistedTimeout): void {
  const node = places.find(kept.node, kept.identity)
  if (node === null) return
  const { definition, owner, revision } = kept
  timers.reinstate(node, { definition, owner, revision })
}

function restoreThreshold(
  kernel: Kernel,
  places: Places,
  kept: PersistedThreshold,
  trips: readonly PersistedTrip[],
): void {
  const { limit, definition, name, owner, revision, endsAt } = kept
  const node = places.find(kept.node, kept.identity)
  const found = trips.map((trip) => ({
    ...trip,
    node: places.find(trip.place.slice(0, -limit.length - 1), trip.identity),
  }))
  const index = node === null ? null : limitAt(node, limit)
  const tripped = new Set(found.flatMap(({ node: at }) => (at === null ? [] : [at])))
  const threshold =
    node === null || index === null
      ? null
      : kernel.notifier.restore(node, index, name, { definition, owner, revision, endsAt, tripped })
  if (definition.on !== 'cross' || definition.once) return
  for (const { node: at, ...trip } of found) {
    if (at !== null && threshold?.watches.has(at)) continue
    tellCleared(kernel, trip, { limit, note: definition.note, reason: whyCleared(kernel, at, threshold) })
  }
}

function whyCleared({ notifier }: Kernel, node: Node | null, threshold: Threshold | null): ClearReason {
  if (node === null || threshold === null) return 'died'
  return notifier.switches.isOn(threshold.index) ? 'filtered' : 'disabled'
}

/** Of a node that ended, or is not meant any more, while nobody looked. */
function tellCleared(
  kernel: Kernel,
  { threshold, place, identity }: PersistedTrip,
  { limit, ...rest }: { limit: LimitName; note: ThresholdDefinition['note']; reason: ClearReason },
): void {
  const data = { threshold, limit, value: null, ...(identity !== null && { identity }), ...rest }
  kernel.emit('threshold.cleared', { subject: place, about: [threshold], data })
}

/** Nodes by their pathnames; a process only where it is the very same. */
class Places {
  readonly #kernel: Kernel
  readonly #containers: ReadonlyMap<string, Node>

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    this.#containers = containersOf(kernel)
  }

  find(path: string, identity: string | null): Node | null {
    try {
      const node = nodeAt(this.#kernel, this.#containers, path)
      return identityOf(node) === identity && !node.isRemoved ? node : null
    } catch (error) {
      if (error instanceof KernelError) return null
      throw error
    }
  }
}

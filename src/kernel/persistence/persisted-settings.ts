/** Exports what clients have set (thresholds, timeouts, switches) as plain data, and restores it after a restart. */

import type { DefaultTimeout, TimeoutDefinition } from '../deadlock/default-timeout.ts'
import { KernelError } from '../errno.ts'
import type { ClearReason } from '../events/reasons.ts'
import type { Kernel } from '../kernel.ts'
import { limitAt } from '../limits/places.ts'
import { type LimitName, limits } from '../limits/table.ts'
import { exportSwitches, type SwitchesState, type ThresholdState } from '../limits/thresholds/settings.ts'
import type { Threshold, ThresholdDefinition } from '../limits/thresholds/threshold.ts'
import { absentPartition, containersOf, nodeAt } from '../nodes/lookup.ts'
import type { Node } from '../nodes/node.ts'
import { processOf } from '../nodes/owners.ts'
import { isAbsent } from '../nodes/partition.ts'
import { pathSegment } from '../nodes/path-segment.ts'
import { type OpenAlert, openAlerts, resumeWarnings } from './open-alerts.ts'

interface Placed {
  /** Identity of the process that the node is or belongs to; null for partitions and the system. */
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

/** A threshold has tripped at a node and is not cleared there yet. */
export interface PersistedTrip extends Placed {
  /** Pathname of the threshold. */
  readonly threshold: string
  /** Pathname of the limit at the node: the subject of the event. */
  readonly place: string
}

export interface PersistedSettings {
  readonly definitions: readonly PersistedDefinition[]
  readonly trips: readonly PersistedTrip[]
  readonly alerts: readonly OpenAlert[]
}

/** The pathname that identifies a definition. */
export function persistedPath(definition: PersistedDefinition): string {
  if (definition.kind === 'switches') return '/sys/notifier'
  if (definition.kind === 'timeout') return `${definition.node}/timeout`
  return `${definition.node}/${definition.limit}/threshold/${pathSegment(definition.name)}`
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

/** The present settings, open alerts and trips. */
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
 * Restores the settings. A setting at a process that has ended is dropped.
 * Preconditions: the kernel knows all processes and threads, and nothing is set yet.
 * @returns Settings that could not be restored, each with the reason.
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
    definitions.flatMap((each) => (each.kind === 'timeout' ? [[persistedPath(each), each.definition]] : [])),
  )
}

/** Only switches off: a limit that the configuration has switched off stays off. */
function restoreSwitches({ notifier }: Kernel, { enabled, disabled }: PersistedSwitches): void {
  if (!enabled) notifier.switch(null, false)
  for (const [index, { name }] of limits.entries()) if (disabled.includes(name)) notifier.switch(index, false)
}

function restoreTimeout({ timers }: Kernel, places: Places, persisted: PersistedTimeout): void {
  const node = places.findOrAwait(persisted.node, persisted.identity)
  if (node === null) return
  const { definition, owner, revision } = persisted
  timers.reinstate(node, { definition, owner, revision })
}

function restoreThreshold(
  kernel: Kernel,
  places: Places,
  persisted: PersistedThreshold,
  trips: readonly PersistedTrip[],
): void {
  const { limit, definition, name, owner, revision, endsAt } = persisted
  const node = places.findOrAwait(persisted.node, persisted.identity)
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
    emitCleared(kernel, trip, { limit, note: definition.note, reason: whyCleared(kernel, at, threshold, trip) })
  }
}

function whyCleared(
  { notifier }: Kernel,
  node: Node | null,
  threshold: Threshold | null,
  { place }: PersistedTrip,
): ClearReason {
  // The place is the limit at the partition of the threshold itself.
  if (threshold !== null && isAbsent(threshold.node) && place === `${threshold.node.path}/${threshold.limit}`)
    return 'gone'
  if (node === null || threshold === null) return 'died'
  return notifier.switches.isOn(threshold.index) ? 'filtered' : 'disabled'
}

/** Emits `threshold.cleared` for a node that ended, or to which the threshold ceased to apply, during the restart. */
function emitCleared(
  kernel: Kernel,
  { threshold, place, identity }: PersistedTrip,
  { limit, ...rest }: { limit: LimitName; note: ThresholdDefinition['note']; reason: ClearReason },
): void {
  const data = { threshold, limit, value: null, ...(identity !== null && { identity }), ...rest }
  kernel.emit('threshold.cleared', { subject: place, about: [threshold], data })
}

/** Finds nodes by pathname. A process must have the same identity, because its pid may belong to another one now. */
class Places {
  readonly #kernel: Kernel
  readonly #containers: ReadonlyMap<string, Node>

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    this.#containers = containersOf(kernel)
  }

  /** Settings at a partition that is not there wait for it. */
  findOrAwait(path: string, identity: string | null): Node | null {
    return this.find(path, identity) ?? absentPartition(this.#kernel, path)
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

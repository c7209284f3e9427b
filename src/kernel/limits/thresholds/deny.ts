/**
 * Refuses new use of a limit: by rlimits and pools, which are capacities, and by thresholds with the action `deny`. It
 * is checked before a call changes anything. Each refusal emits `limit.denied`.
 */

import { assert, KernelError } from '../../errno.ts'
import type { Emit, EventData } from '../../events.ts'
import type { Node } from '../../nodes/node.ts'
import { processOf } from '../../nodes/owners.ts'
import { guardOf } from '../guard.ts'
import type { Level, LimitRow } from '../limit-row.ts'
import type { Readings } from '../readings.ts'
import { rlimitOf } from '../rlimits.ts'
import { type LimitName, limitIndex, limits } from '../table.ts'
import type { Scope } from './scope.ts'
import { pointValue, type Threshold } from './threshold.ts'
import type { Expected } from './where.ts'

/** The amount of a limit that a call is about to use. */
export interface Need {
  readonly limit: LimitName
  readonly node: Node
  readonly delta: number
  /** The new size, only for a limit that is a maximum. */
  readonly size?: number
  /** The nodes about to be born that will use it, smallest first. Thresholds with `per` would watch them. */
  readonly newborn?: readonly Newborn[]
}

export interface Newborn extends Expected {
  readonly level: 'thread' | 'process'
  /** Infinity if it will have no finite capacity. */
  readonly capacity: number
}

/** A capacity or threshold that refuses. */
export interface Refuser {
  readonly need: Need
  /** The node with the limit; for a node about to be born, the node it would be in. */
  readonly node: Node
  /** Null: a capacity refuses. */
  readonly threshold: Threshold | null
  /** The highest value that it allows. */
  readonly most: number
  readonly by: 'threshold' | 'rlimit' | 'pool'
  /** The level of the node about to be born; null if there is none. */
  readonly newborn: Newborn['level'] | null
}

interface Held {
  readonly usage: Readings
  readonly notifier: { readonly reach: Scope }
}

const rows: readonly LimitRow[] = limits
const nobody: readonly Refuser[] = []

/** @returns Every refuser, the smallest container first, then by path. A call that takes nothing new has none. */
export function refusersOf(held: Held, need: Need): readonly Refuser[] {
  const { limit, node, delta, size } = need
  const index = limitIndex[limit]
  const { at: reaches, adds, errno } = rows[index]!
  assert((adds === 'maximum') === (size !== undefined), 'a maximum has a size, a sum has none')
  if (delta <= 0 || errno === null) return nobody
  let found: Refuser[] | null = null
  const add = (refuser: Omit<Refuser, 'need'>) => {
    found ??= []
    found.push({ need, ...refuser })
  }
  for (const each of need.newborn ?? []) if (reaches.includes(each.level)) refuseBirth(held, need, each, add)
  for (let at: Node | null = node; at !== null && reaches.includes(at.level); at = at.parent) {
    const value = size ?? held.usage.value(at, index) + delta
    const capacity = held.usage.capacity(at, index)
    // A capacity that is not known yet is NaN and refuses nothing.
    if (value > capacity)
      add({ node: at, threshold: null, most: capacity, by: capacityOf(at.level, index), newborn: null })
    if (at.guards === null) continue
    for (const threshold of denying(at, index)) {
      const most = pointOf(threshold, capacity)
      if (value > most) add({ node: at, threshold, most, by: 'threshold', newborn: null })
    }
  }
  return found ?? nobody
}

function refuseBirth(
  { notifier }: Held,
  { limit, node, delta }: Need,
  newborn: Newborn,
  add: (refuser: Omit<Refuser, 'need'>) => void,
): void {
  const index = limitIndex[limit]
  const { level, capacity } = newborn
  if (delta > capacity) add({ node, threshold: null, most: capacity, by: capacityOf(level, index), newborn: level })
  for (const threshold of notifier.reach.awaiting(node, index, newborn)) {
    if (threshold.definition.action !== 'deny') continue
    const most = pointOf(threshold, capacity)
    if (delta > most) add({ node, threshold, most, by: 'threshold', newborn: level })
  }
}

/** Processes and threads have capacities from rlimits; the containers above them from pools. */
function capacityOf(level: Level, index: number): 'rlimit' | 'pool' {
  return rlimitOf(rows[index]!.name) !== null && (level === 'process' || level === 'thread') ? 'rlimit' : 'pool'
}

function denying(node: Node, index: number): Threshold[] {
  const watches = guardOf(node, index)?.watches ?? []
  const thresholds = [...watches]
    .map(({ threshold }) => threshold)
    .filter(({ definition }) => definition.action === 'deny')
  return thresholds.sort((one, other) => (one.path < other.path ? -1 : 1))
}

/** @returns NaN for a percentage of an unknown capacity, which refuses nothing. */
function pointOf({ definition: { at, direction } }: Threshold, capacity: number): number {
  assert(at !== null, 'a threshold that denies has a trip point')
  return pointValue(at, capacity, direction)
}

/** A call that was refused by a limit. */
export class Denied extends KernelError {
  readonly #refusers: readonly Refuser[]

  constructor(refusers: readonly Refuser[]) {
    const [first] = refusers
    assert(first !== undefined, 'a denial has a refuser')
    super(errnoOf(first), reasonOf(first))
    this.#refusers = refusers
  }

  /** The first one decides the errno. An event is emitted for each. */
  get refusers(): readonly Refuser[] {
    return this.#refusers
  }
}

function errnoOf({ need }: Refuser) {
  return rows[limitIndex[need.limit]]!.errno ?? 'EINVAL'
}

function reasonOf({ need: { limit }, node, threshold, most, by, newborn }: Refuser): string {
  const { unit } = rows[limitIndex[limit]]!
  const place = newborn === null ? `${node.path}/${limit}` : `${limit} of a new ${newborn} below ${node.path}`
  const what = `${place} is at most ${Math.min(most, Number.MAX_SAFE_INTEGER)} ${unit}`
  if (threshold !== null) return `${what}: ${threshold.path} denies more`
  return by === 'rlimit' ? `${what}: RLIMIT_${rlimitOf(limit)?.toUpperCase()}` : what
}

/** The parts of a kernel that `limit.denied` needs. */
export interface DenialReporter extends Held {
  readonly emit: Emit
}

/** The cause of a denial: pathname of the calling thread, or the sending process or threshold; null from outside. */
export interface DenialCause {
  readonly cause: string | null
  /** The name of the call; null if no call caused it. */
  readonly call: string | null
}

/**
 * `limit.denied`, one for each that refuses: the receiver is the subject, the sender the cause. Of other errors
 * nothing.
 */
export function emitDenied(kernel: DenialReporter, error: unknown, cause: DenialCause): void {
  if (!(error instanceof Denied)) return
  for (const refuser of error.refusers) {
    const { node, threshold, need } = refuser
    const process = processOf(node)
    const about = [threshold?.path, process?.partition?.path, cause.cause].filter((path) => typeof path === 'string')
    const data = { ...deniedData(kernel, refuser), ...cause }
    kernel.emit('limit.denied', { subject: `${node.path}/${need.limit}`, about, data })
  }
}

/** Runs a change that no thread makes. Emits its refusal, and throws it on. Preconditions: inside an update. */
export function fromOutside<T>(kernel: DenialReporter, call: string, change: () => T): T {
  try {
    return change()
  } catch (error) {
    emitDenied(kernel, error, { cause: null, call })
    throw error
  }
}

function deniedData({ usage }: Held, refuser: Refuser): Omit<EventData['limit.denied'], keyof DenialCause> {
  const { need, node, threshold, most, by, newborn } = refuser
  const index = limitIndex[need.limit]
  const rlimit = rlimitOf(rows[index]!.name)
  const process = processOf(node)
  return {
    limit: need.limit,
    errno: errnoOf(refuser),
    by,
    ...(by === 'rlimit' && rlimit !== null && { rlimit }),
    threshold: threshold?.path ?? null,
    ...(newborn !== null && { newborn }),
    value: usage.value(node, index),
    wanted: need.delta,
    most,
    ...(process && { identity: process.identity, name: process.name }),
    note: threshold?.definition.note ?? null,
  }
}

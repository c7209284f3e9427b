/**
 * What has been told and is to be told the end of, over a restart of the service: deadlocks, and warnings of long waits.
 * A deadlock that is still there is found again, as another: whoever heard of the one before is told that it is over as far
 * as anybody knows. A thread that still waits in the state that was warned of is not warned of again.
 */

import { aboutOf, type DeadlockKind, deadlockPath } from '../deadlock/deadlock.ts'
import type { TimeoutDefinition } from '../deadlock/default-timers.ts'
import { KernelError } from '../errno.ts'
import type { EventType, KernelEvent } from '../events.ts'
import type { Kernel } from '../kernel.ts'
import type { Thread } from '../nodes/thread.ts'
import type { ThreadState } from '../states.ts'

interface Told {
  /** Subject of its event. */
  readonly path: string
  readonly about: readonly string[]
  /** As it was told. */
  readonly since: string
}

export interface OpenDeadlock extends Told {
  readonly kind: 'deadlock'
  readonly was: DeadlockKind
  readonly members: readonly { readonly path: string; readonly name: string }[]
}

export interface OpenWarning extends Told {
  readonly kind: 'warning'
  readonly timeout: string
  readonly pid: number
  readonly tid: number
  readonly name: string
  readonly identity: string
  readonly state: ThreadState
}

export type OpenAlert = OpenDeadlock | OpenWarning

const kindOf: Partial<Record<EventType, DeadlockKind>> = {
  'deadlock.detected': 'detected',
  'deadlock.orphaned': 'orphaned',
  'deadlock.suspected': 'suspected',
}

export function closesAlert(type: EventType): boolean {
  return type === 'deadlock.resolved' || type === 'deadlock.eased'
}

/** Null where the event begins nothing. */
export function alertOpenedBy({ type, subject: path, about, data }: KernelEvent): OpenAlert | null {
  const was = kindOf[type]
  // What the kernel tells of these has these fields: nothing else emits them.
  if (was !== undefined) {
    const { since, members } = data as unknown as Pick<OpenDeadlock, 'since' | 'members'>
    return { kind: 'deadlock', path, about, was, since, members: members.map(named) }
  }
  if (type !== 'deadlock.warning') return null
  const { timeout, pid, tid, name, identity, since, state } = data as unknown as Omit<OpenWarning, 'kind'>
  return { kind: 'warning', path, about, timeout, pid, tid, name, identity, since, state }
}

function named({ path, name }: { readonly path: string; readonly name: string }) {
  return { path, name }
}

function dateText(ms: number): string {
  return new Date(ms).toISOString()
}

/** All that is so now. */
export function openAlerts({ deadlocks, timers }: Kernel): OpenAlert[] {
  return [
    ...deadlocks.all().map(
      (deadlock): OpenDeadlock => ({
        kind: 'deadlock',
        path: deadlockPath(deadlock),
        about: aboutOf(deadlock.members),
        was: deadlock.kind,
        since: dateText(deadlock.since),
        members: deadlock.members.map(named),
      }),
    ),
    ...timers.warnings().map(({ thread, since, ...rest }) => warningOf(thread, { ...rest, since: dateText(since) })),
  ]
}

function warningOf(
  { path, parent, tid, name }: Thread,
  { timeout, ...rest }: Pick<OpenWarning, 'timeout' | 'state' | 'since'>,
): OpenWarning {
  const { pid, identity, partition } = parent
  const about = partition === null ? [timeout] : [timeout, partition.path]
  return { kind: 'warning', path, about, timeout, pid, tid, name, identity, ...rest }
}

/** Before anything is found anew. */
export function endDeadlocks(kernel: Kernel, told: readonly OpenAlert[]): void {
  for (const each of told) {
    if (each.kind !== 'deadlock') continue
    const { path, about, was, since, members } = each
    kernel.emit('deadlock.resolved', path, about, { how: 'restarted', thread: null, was, since, members })
  }
}

/** Preconditions: all that lives is known, and no timeout is set here yet; `definitions` are those that will be, by pathname. */
export function resumeWarnings(
  kernel: Kernel,
  told: readonly OpenAlert[],
  definitions: ReadonlyMap<string, TimeoutDefinition>,
): void {
  for (const each of told) {
    if (each.kind !== 'warning') continue
    const { kind: _, path, about, timeout, state, ...rest } = each
    const thread = threadOf(kernel, each)
    const definition = definitions.get(timeout)
    if (thread !== null && kernel.timers.resume(thread, { timeout, definition, state, since: Date.parse(each.since) }))
      continue
    const now = thread === null ? 'DEAD' : thread.condition.state
    kernel.emit('deadlock.eased', path, about, { timeout, ...rest, state, now, blocked: null })
  }
}

function threadOf(kernel: Kernel, { pid, tid, identity }: OpenWarning): Thread | null {
  try {
    const thread = kernel.thread(pid, tid)
    return thread.parent.identity === identity ? thread : null
  } catch (error) {
    if (error instanceof KernelError) return null
    throw error
  }
}

/** Checks whether the action of a threshold is possible, and sends the signal of a threshold that trips. */

import { type ActionAbilities, type Actions, refuse } from '../../actions.ts'
import { KernelError } from '../../errno.ts'
import type { Node } from '../../nodes/node.ts'
import { processOf } from '../../nodes/owners.ts'
import { Process } from '../../nodes/process.ts'
import { Thread } from '../../nodes/thread.ts'
import type { LimitRow } from '../limit-row.ts'
import { crossingPlaces } from './crossing.ts'
import { type DenialReporter, emitDenied } from './deny.ts'
import type { ThresholdDefinition, ThresholdWatch } from './threshold.ts'

function wrong(field: string, message: string) {
  return new KernelError('EINVAL', message, { field })
}

/**
 * @throws KernelError EINVAL with the field; the refusal of the source if it cannot carry out the action, or must not.
 */
export function checkAction(
  definition: ThresholdDefinition,
  { row, node, abilities }: { row: LimitRow; node: Pick<Node, 'level'>; abilities: ActionAbilities },
): void {
  const { on, action, signal, per } = definition
  if (on === 'change' && action !== 'notify')
    throw wrong('action', `"${action}" needs a trip point, and "on": "change" has none: use "notify"`)
  if (action !== 'signal' && signal !== undefined) throw wrong('signal', '"signal" goes with "action": "signal" only')
  if (action === 'deny') checkDenial(definition, row, abilities)
  if (action === 'signal') checkSignal(signal, { watched: per ?? node.level, abilities })
}

function checkDenial(definition: ThresholdDefinition, { name, errno }: LimitRow, { noDenying }: ActionAbilities) {
  if (errno === null) throw wrong('action', `no call is refused because of ${name}: use "notify"`)
  if (definition.direction === 'falling') throw wrong('direction', 'only a rise can be denied')
  // Usage that may stay past the point for a while would have to be taken back when the time is over.
  if (definition.for !== null)
    throw wrong('for', 'a call is refused at once or not at all: no "for" with "action": "deny"')
  if (noDenying !== null) refuse(noDenying)
}

function checkSignal(
  signal: string | undefined,
  { watched, abilities: { signals, noActing } }: { watched: Node['level']; abilities: ActionAbilities },
): void {
  if (signal === undefined) throw wrong('signal', 'name the signal, as in SIGXCPU')
  if (watched !== 'process' && watched !== 'thread')
    throw wrong('action', 'the sum of many has no one offender to send a signal to; "per": "process" watches each')
  if (noActing !== null) refuse(noActing)
  if (!signals.some(({ name }) => name === signal)) throw wrong('signal', `there is no signal ${signal} here`)
}

/** The parts of a kernel that a signal of a threshold needs. */
interface SignalPort extends DenialReporter {
  /** Null: the source sends no signals. */
  readonly actions: Actions | null
  readonly selfPid: number | null
}

/** Sends the signal of a tripped threshold to its process or thread, and emits `threshold.acted`. */
export function carryOut(kernel: SignalPort, watch: ThresholdWatch): void {
  const { node, threshold } = watch
  const process = processOf(node)
  const { signal } = threshold.definition
  // The node that tripped may have ended in the same change.
  if (process === null || signal === undefined || process.slot < 0) return
  const failure = send(kernel, node, { signal, cause: threshold.path })
  kernel.emit('threshold.acted', {
    ...crossingPlaces(watch),
    data: {
      threshold: threshold.path,
      limit: threshold.limit,
      signal,
      pid: process.pid,
      ...(node instanceof Thread && { tid: node.tid }),
      identity: process.identity,
      name: process.name,
      sent: failure === null,
      ...(failure !== null && { errno: failure.errno, reason: failure.message }),
      note: threshold.definition.note,
    },
  })
}

/** @returns Null if the signal was sent. */
function send(
  kernel: SignalPort,
  node: Node,
  { signal, cause }: { signal: string; cause: string },
): KernelError | null {
  const { actions, selfPid } = kernel
  if (processOf(node)?.pid === selfPid) return new KernelError('EPERM', 'introspectd sends no signal to itself')
  if (actions === null || !(node instanceof Process || node instanceof Thread))
    return new KernelError('ENOTSUP', 'no signal can be sent to it')
  try {
    actions.signal(node, signal)
    return null
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    emitDenied(kernel, error, { cause, call: null })
    return error
  }
}

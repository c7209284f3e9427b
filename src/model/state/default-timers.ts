/** Saves and restores default timeouts, and the waits which they time. */

import { type DefaultTimeout, type TimeoutDefinition, timeoutPath } from '../../kernel/deadlock/default-timeout.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { absentPartition, containersOf, nodeAt } from '../../kernel/nodes/lookup.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { at, atEach, checkRevisions } from './references.ts'
import type { SavedThread } from './threads.ts'

export interface TimeoutSettingState {
  /** Pathname of the node at which it is set. */
  readonly node: string
  readonly definition: TimeoutDefinition
  readonly revision: number
  readonly owner: string | null
}

export function exportTimeouts({ timers }: Kernel): TimeoutSettingState[] {
  return [...timers.timeouts()].map(({ node, definition, revision, owner }) => ({
    node: node.path,
    definition,
    revision,
    owner,
  }))
}

/** Preconditions: all nodes are restored. */
export function importTimeouts(
  kernel: Kernel,
  state: { readonly timeouts: readonly TimeoutSettingState[]; readonly nextTimeoutRevision: number },
  threads: readonly { readonly thread: ModelThread; readonly state: SavedThread }[],
): void {
  const containers = containersOf(kernel)
  const timeouts = atEach('timeouts', state.timeouts, ({ node: path, ...rest }): DefaultTimeout => {
    const node = absentPartition(kernel, path) ?? at('node', () => nodeAt(kernel, containers, path))
    return { ...rest, node, path: timeoutPath(node) }
  })
  checkRevisions('timeouts', timeouts, state.nextTimeoutRevision)
  const waits = threads.flatMap(({ thread, state: { timed } }) => (timed === null ? [] : [{ ...timed, thread }]))
  kernel.timers.restore(timeouts, waits, state.nextTimeoutRevision)
}

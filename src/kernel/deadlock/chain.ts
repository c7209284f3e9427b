/** Follows the chain of waits from a thread: the thread for which it waits, the one for which that waits, and so on. */

import type { ChainEnd, WaitingThread } from '../events/deadlock-fields.ts'
import { Thread } from '../nodes/thread.ts'
import type { ThreadState } from '../states.ts'
import { showWaiting } from './member-views.ts'

export interface Chain {
  readonly chain: readonly WaitingThread[]
  readonly end: ChainEnd
}

/** Longest chain which is reported. A longer one ends with `long`. */
export const chainMax = 64

export function chainOf(thread: Thread): Chain {
  const chain: WaitingThread[] = []
  const passed = new Set<Thread>()
  for (let at = thread; ; ) {
    if (passed.has(at)) return { chain, end: { how: 'loop', thread: at.path } }
    if (chain.length === chainMax) return { chain, end: { how: 'long' } }
    const next = nextOf(at)
    if (at.wait !== null || chain.length === 0) chain.push(showWaiting(at))
    if (!(next instanceof Thread)) return { chain, end: next }
    passed.add(at)
    at = next
  }
}

/** The only thread which can release it, or the reason why the chain ends. */
function nextOf({ path, wait, condition: { state } }: Thread): Thread | ChainEnd {
  if (wait === null) return { how: isAble(state) ? 'runs' : 'untraced', thread: path, state }
  if ('releaser' in wait) return wait.releaser ?? { how: 'nobody' }
  const { releasers, likely } = wait
  const living = [...releasers.threads.values()].filter(({ condition }) => condition.state !== 'DEAD')
  const [only] = living
  if (only !== undefined && living.length === 1) return only
  return { how: 'any', process: releasers.path, threads: living.length, likely: likely?.path ?? null }
}

function isAble(state: ThreadState | null): boolean {
  return state === 'RUNNING' || state === 'READY'
}

/** Who waits for whom, as documents and as drawings. */

import { bounds } from '../../base/bounds.ts'
import { chainOf } from '../../kernel/deadlock/chain.ts'
import { deadlockPath } from '../../kernel/deadlock/deadlock.ts'
import { showWaiting } from '../../kernel/deadlock/member-views.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import type { Thread } from '../../kernel/nodes/thread.ts'
import { threadsWithin } from '../../kernel/nodes/within.ts'
import { defineNode } from '../definition.ts'
import { chainText, dotOf, graphText, mermaidOf } from '../draw-waits.ts'
import { WaitChainView, WaitGraphView } from '../views.ts'

/** Threads within that wait for something traced, and those that they wait for, as far as those wait as well. */
function waitingFrom(node: Node): Set<Thread> {
  const found = new Set<Thread>()
  for (const thread of threadsWithin(node)) if (thread.wait !== null) found.add(thread)
  // What is added is looked at as well.
  for (const { wait } of found) {
    if (wait === null) continue
    const releasers =
      'releaser' in wait ? (wait.releaser === null ? [] : [wait.releaser]) : wait.releasers.threads.values()
    for (const thread of releasers) if (thread.wait !== null) found.add(thread)
  }
  return found
}

function showGraph(node: Node) {
  const waiting = waitingFrom(node)
  const shown = [...waiting.values().take(bounds.waitsShownMax)]
  return {
    path: `${node.path}/wait`,
    waiting: waiting.size,
    omitted: waiting.size - shown.length,
    threads: shown.map(showWaiting),
  }
}

export const waitDefinitions = [
  defineNode({
    under: ['thread'],
    leaf: 'wait',
    kind: 'document',
    summary: 'What the thread waits for, and what that waits for, to the end of the chain; also as a drawing',
    reply: WaitChainView,
    read: ({ kernel }, thread) => {
      const { chain, end } = chainOf(thread)
      const deadlocks = kernel.deadlocks.holding(thread).map(deadlockPath)
      return { path: `${thread.path}/wait`, chain: [...chain], end, deadlocks }
    },
    prose: ([view]) => chainText(view!),
    as: {
      dot: ({ chain }) => dotOf(chain),
      mermaid: ({ chain }) => mermaidOf(chain),
    },
  }),
  defineNode({
    under: ['process', 'system'],
    leaf: 'wait',
    kind: 'document',
    summary: 'Who waits for whom, as far as it is traced; also as a drawing',
    reply: WaitGraphView,
    read: (_, node) => showGraph(node),
    prose: ([view]) => graphText(view!),
    as: {
      dot: ({ threads }) => dotOf(threads),
      mermaid: ({ threads }) => mermaidOf(threads),
    },
  }),
]

/** Defines the rows `wait`: the chain of waits of a thread, and the wait-for graph of a process or the system. */

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

/** The threads within a node that wait for something traced, and the waiting threads that they wait for in turn. */
function waitingFrom(node: Node): Set<Thread> {
  const found = new Set<Thread>()
  for (const thread of threadsWithin(node)) if (thread.wait !== null) found.add(thread)
  // A Set's iterator also visits the threads added during the loop.
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
    summary: 'The chain of waits that begins at the thread: each thread and the one it waits for; also as a drawing',
    reply: WaitChainView,
    read: ({ kernel }, thread) => {
      const { chain, end } = chainOf(thread)
      const deadlocks = kernel.deadlocks.holding(thread).map(deadlockPath)
      return { path: `${thread.path}/wait`, chain: [...chain], end, deadlocks }
    },
    prose: ([view]) => chainText(view!),
    drawings: {
      dot: ({ chain }) => dotOf(chain),
      mermaid: ({ chain }) => mermaidOf(chain),
    },
  }),
  defineNode({
    under: ['process', 'system'],
    leaf: 'wait',
    kind: 'document',
    summary: 'The wait-for graph, as far as waits are traced; also as a drawing',
    reply: WaitGraphView,
    read: (_, node) => showGraph(node),
    prose: ([view]) => graphText(view!),
    drawings: {
      dot: ({ threads }) => dotOf(threads),
      mermaid: ({ threads }) => mermaidOf(threads),
    },
  }),
]

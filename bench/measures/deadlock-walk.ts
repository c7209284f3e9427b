/** A thread blocks at the end of a chain of ten that wait for one another, among 100,000 threads; no deadlock comes of it. */

import { createRequire } from 'node:module'
import type { Lock } from '../../src/kernel/deadlock/wait.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { modelAbilities } from '../../src/kernel/model-abilities.ts'
import { Thread } from '../../src/kernel/objects/thread.ts'
import { processAppeared, threadEntered } from '../../src/kernel/observations.ts'
import { interleave, type Measure } from '../measure.ts'

// Their types name the same module in two ways.
const require = createRequire(import.meta.url)
const { DirectedGraph } = require('graphology') as typeof import('graphology')
const { stronglyConnectedComponents } = require('graphology-components') as {
  stronglyConnectedComponents: (graph: object) => string[][]
}

const chains = 10_000
const lengthOfChain = 10
const threadsOfProcess = 100
const rounds = 15

class Waiter extends Thread {
  waitsFor: Lock | null = null

  override get lock(): Lock | null {
    return this.waitsFor
  }
}

class Owned implements Lock {
  readonly owner: Thread
  readonly isAbandoned = false
  waitNode = 0

  constructor(owner: Thread) {
    this.owner = owner
  }
}

/** All but the first of each chain wait; the last can run. */
function makeChains() {
  const kernel = new Kernel({ abilities: modelAbilities, firstRevision: 1, now: 0 })
  const threads: Waiter[] = []
  kernel.update(0, () => {
    for (let pid = 1; pid <= (chains * lengthOfChain) / threadsOfProcess; pid++) {
      const birth = { pid, identity: `${pid}`, started: 0, name: 'p', parentProcess: null, executable: null, uid: 0 }
      const process = processAppeared(kernel, { ...birth, container: kernel.system })
      for (let tid = 1; tid <= threadsOfProcess; tid++) {
        const thread = new Waiter(process, { tid, name: 't', since: 0 })
        threadEntered(kernel, thread)
        threads.push(thread)
      }
    }
  })
  // Neighbours in a chain are far from one another in memory.
  const chain = (first: number) => Array.from({ length: lengthOfChain }, (_, place) => threads[first + place * chains]!)
  const all = Array.from({ length: chains }, (_, first) => chain(first))
  for (const members of all)
    for (const [place, member] of members.slice(0, -1).entries()) {
      member.waitsFor = new Owned(members[place + 1]!)
      if (place > 0) kernel.deadlocks.blocked(member)
    }
  kernel.deadlocks.settle()
  return { kernel, all, firsts: all.map(([first]) => first!) }
}

function graphOf(all: readonly (readonly Waiter[])[]) {
  const graph = new DirectedGraph()
  for (const members of all) for (const { path } of members) graph.addNode(path)
  for (const members of all)
    for (const [place, { path }] of members.slice(0, -1).entries()) graph.addEdge(path, members[place + 1]!.path)
  return graph
}

export const deadlockWalk: Measure = {
  name: 'deadlock-walk',
  what: 'a block at the end of a chain of 10, 100,000 threads; all looked at anew by graphology’s Tarjan',
  target: { text: '≤ 100 ns', met: ({ ours }) => ours <= 100 },
  run: async () => {
    const { kernel, all, firsts } = makeChains()
    const { deadlocks } = kernel
    const graph = graphOf(all)
    const block = () => {
      const before = process.cpuUsage().user
      for (const first of firsts) {
        deadlocks.blocked(first)
        deadlocks.settle()
      }
      const us = process.cpuUsage().user - before
      for (const first of firsts) {
        deadlocks.unblocked(first, { what: 'returned' })
        deadlocks.settle()
      }
      return (us * 1e3) / chains
    }
    const reference = () => {
      const before = process.cpuUsage().user
      stronglyConnectedComponents(graph)
      return (process.cpuUsage().user - before) * 1e3
    }
    for (let warm = 0; warm < 20; warm++) block()
    const figures = await interleave(rounds, { ours: block, reference })
    if (deadlocks.all().length > 0) throw new Error('chains without an end were taken for deadlocks')
    return { ...figures, unit: 'ns' }
  },
}

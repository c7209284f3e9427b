/**
 * Measures the deadlock check when a thread blocks at the end of a chain of ten waiting threads, among 100,000 threads.
 * No deadlock results.
 */

import { createRequire } from 'node:module'
import { Kernel } from '../../src/kernel/kernel.ts'
import { Thread } from '../../src/kernel/nodes/thread.ts'
import type { Lock } from '../../src/kernel/nodes/wait.ts'
import { processAppeared, threadEntered } from '../../src/kernel/observations.ts'
import { modelAbilities } from '../../src/model/abilities.ts'
import { interleave, type Measure } from '../measure.ts'

// Both types describe the same module.
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

/** Builds the chains. The first thread of each does not wait yet, and the last one can run. */
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
  // Neighbours in a chain are far apart in memory.
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

type Chains = ReturnType<typeof makeChains>

/** The first thread of each chain blocks and is released. Returns CPU time in ns: of the check, and of the whole. */
function blockAll({ kernel: { deadlocks }, firsts }: Chains) {
  const each = (from: number) => ((process.cpuUsage().user - from) * 1e3) / chains
  const letGo = () => {
    for (const first of firsts) {
      deadlocks.unblocked(first, { what: 'returned' })
      deadlocks.settle()
    }
  }
  for (const first of firsts) deadlocks.blocked(first)
  const written = process.cpuUsage().user
  deadlocks.settle()
  const check = each(written)
  letGo()
  const before = process.cpuUsage().user
  for (const first of firsts) {
    deadlocks.blocked(first)
    deadlocks.settle()
  }
  const whole = each(before)
  letGo()
  if (deadlocks.all().length > 0) throw new Error('chains without an end were taken for deadlocks')
  return { check, whole }
}

function warm(all: Chains): Chains {
  for (let round = 0; round < 30; round++) blockAll(all)
  return all
}

export const deadlockWalk: Measure = {
  name: 'deadlock-walk',
  what: 'deadlock check of a thread that blocks on a chain of 10, among 100,000 threads; graphology’s Tarjan over the whole graph',
  target: { text: '≤ 100 ns', met: ({ ours }) => ours <= 100 },
  run: async () => {
    const all = warm(makeChains())
    const graph = graphOf(all.all)
    const reference = () => {
      const before = process.cpuUsage().user
      stronglyConnectedComponents(graph)
      return (process.cpuUsage().user - before) * 1e3
    }
    const figures = await interleave(rounds, { ours: () => blockAll(all).check, reference })
    return { ...figures, unit: 'ns' }
  },
}

export const deadlockBlock: Measure = {
  name: 'deadlock-block',
  what: 'the same with recording the wait in its own update; the check alone',
  target: null,
  run: async () => {
    const all = warm(makeChains())
    const figures = await interleave(rounds, { ours: () => blockAll(all).whole, reference: () => blockAll(all).check })
    return { ...figures, unit: 'ns' }
  },
}

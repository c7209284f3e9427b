/**
 * Measures the counters of the model: the time of a change over thread, process, partition and system, and the memory.
 * References are counting without thresholds, and the obvious design with one object per counter.
 */

import { type LimitName, limitIndex } from '../../src/kernel/limits/table.ts'
import type { Process } from '../../src/kernel/nodes/process.ts'
import type { Thread } from '../../src/kernel/nodes/thread.ts'
import * as seen from '../../src/kernel/observations.ts'
import { Bench } from '../../test/kernel/support.ts'
import { cpuTimed, type Figures, heldBytes, interleave, type Measure } from '../measure.ts'
import { BareCounts, type BareNode } from './references/bare-counts.ts'
import { FieldNode, FieldThread, FieldUsage } from './references/field-counters.ts'

const stack = limitIndex.stack
const updates = 1_000_000
const rounds = 15
/** Bytes of stack that a call takes and frees when it returns. */
const taken = 64

interface Shape {
  readonly processes: number
  readonly threadsEach: number
}

const small: Shape = { processes: 10, threadsEach: 10 }
const million: Shape = { processes: 10_000, threadsEach: 100 }

const threadLimits = ['stack', 'stack-size', 'cpu-time', 'cpu', 'mutexes'] as const satisfies readonly LimitName[]

/** Threads as the model creates them, with every resource counted. */
function populate({ processes, threadsEach }: Shape): { bench: Bench; threads: Thread[] } {
  const bench = new Bench({ isRecorded: false })
  const threads: Thread[] = []
  for (let pid = 1; pid <= processes; pid++) {
    const process = bench.process(pid, { partition: ['web'] })
    bench.at(() => {
      for (let tid = 1; tid <= threadsEach; tid++) threads.push(modelThread(bench, process, tid))
    })
  }
  return { bench, threads }
}

function modelThread({ kernel }: Bench, process: Process, tid: number): Thread {
  const thread = seen.threadAppeared(kernel, process, { tid, name: process.name, since: kernel.now })
  for (const limit of threadLimits) kernel.usage.charge(thread, limitIndex[limit], 0)
  kernel.usage.observeCapacity(thread, stack, 262_144)
  kernel.usage.charge(thread, stack, 4096)
  return thread
}

function populateFields({ processes, threadsEach }: Shape): { usage: FieldUsage; threads: FieldThread[] } {
  const system = new FieldNode('/sys', null)
  const partition = new FieldNode('/sys/part/web', system)
  const usage = new FieldUsage(system)
  const threads: FieldThread[] = []
  for (let pid = 1; pid <= processes; pid++) {
    const process = new FieldNode(`/sys/proc/${pid}`, partition)
    usage.processes.set(pid, process)
    for (let tid = 1; tid <= threadsEach; tid++) {
      const thread = new FieldThread(process, { tid, name: `p${pid}`, since: 1000 + pid })
      process.threads.set(tid, thread)
      for (const limit of threadLimits) usage.charge(thread, limit, 0)
      thread.stack.capacity = 262_144
      usage.charge(thread, 'stack', 4096)
      threads.push(thread)
    }
    usage.settle()
  }
  return { usage, threads }
}

function populateBare({ processes, threadsEach }: Shape): { bare: BareCounts; threads: BareNode[] } {
  const bare = new BareCounts(processes * threadsEach + processes + 2)
  const partition = bare.admit(bare.admit(null))
  const threads: BareNode[] = []
  for (let pid = 1; pid <= processes; pid++) {
    const process = bare.admit(partition)
    for (let tid = 1; tid <= threadsEach; tid++) threads.push(bare.admit(process))
  }
  return { bare, threads }
}

/** Threads in random order, so that caches and prefetching do not help if there are many. */
function shuffled<T>(threads: readonly T[]): T[] {
  const turns: T[] = []
  let state = 1
  for (let place = 0; place < updates / 2; place++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    turns.push(threads[(state >>> 8) % threads.length]!)
  }
  return turns
}

/**
 * Every thread takes stack and then frees it, so that no peak is new after the first round. Each step is one kernel
 * update, which measures the counter and not the kernel call.
 */
function takeAndGiveBack(change: (delta: number) => void): void {
  for (const delta of [taken, -taken]) change(delta)
}

function chargeAll(bench: Bench, turns: readonly Thread[]): void {
  const { usage } = bench.kernel
  takeAndGiveBack((delta) =>
    bench.at(() => {
      for (const thread of turns) usage.charge(thread, stack, delta)
    }),
  )
}

const perUpdate = ({ ours, reference }: { ours: number; reference: number }): Figures => ({
  ours: (ours * 1e6) / updates,
  reference: (reference * 1e6) / updates,
  unit: 'ns',
})

export const counters: Measure = {
  name: 'counters',
  what: 'model: counter update over 4 levels, thresholds compiled in, none armed; the same without thresholds',
  target: { text: '≤ 1.5 times', met: ({ ours, reference }) => ours <= 1.5 * reference },
  run: async () => {
    const { bench, threads } = populate(small)
    const turns = shuffled(threads)
    const { bare, threads: bareThreads } = populateBare(small)
    const bareTurns = shuffled(bareThreads)
    const figures = await interleave(rounds, {
      ours: () => cpuTimed(() => chargeAll(bench, turns)),
      reference: () =>
        cpuTimed(() =>
          takeAndGiveBack((delta) => {
            for (const thread of bareTurns) bare.charge(thread, stack, delta)
          }),
        ),
    })
    return perUpdate(figures)
  },
}

export const countersMillion: Measure = {
  name: 'counters-million',
  what: 'model: the same at 1,000,000 threads in random order; class fields with thresholds',
  target: { text: '≥ 3 times less', met: ({ ours, reference }) => reference / ours >= 3 },
  run: async () => {
    const { bench, threads } = populate(million)
    const turns = shuffled(threads)
    const { usage, threads: fieldThreads } = populateFields(million)
    const fieldTurns = shuffled(fieldThreads)
    const figures = await interleave(rounds, {
      ours: () => cpuTimed(() => chargeAll(bench, turns)),
      reference: () =>
        cpuTimed(() =>
          takeAndGiveBack((delta) => {
            for (const thread of fieldTurns) usage.charge(thread, 'stack', delta)
            usage.settle()
          }),
        ),
    })
    return perUpdate(figures)
  },
}

export const countersMemory: Measure = {
  name: 'counters-memory',
  what: 'model: memory per thread at 1,000,000, with every kernel object of it; class fields',
  target: { text: '≤ 0.4 times', met: ({ ours, reference }) => ours <= 0.4 * reference },
  run: async () => {
    const count = million.processes * million.threadsEach
    const ours = heldBytes(() => populate(million)) / count
    const reference = heldBytes(() => populateFields(million)) / count
    return { ours, reference, unit: 'bytes' }
  },
}

/** Thresholds on a counter that every update changes. None of them is reached. */
function onPath(bench: Bench, count: number): void {
  for (let place = 0; place < count; place++)
    bench.put(bench.kernel.system, 'stack', `t${place}`, { at: 1e12 + place, rearm: 1e11 })
}

const armed = (thresholds: (bench: Bench, threads: readonly Thread[]) => void): (() => Promise<Figures>) => {
  return async () => {
    const [watched, bare] = [populate(small), populate(small)]
    thresholds(watched.bench, watched.threads)
    const [watchedTurns, bareTurns] = [shuffled(watched.threads), shuffled(bare.threads)]
    const figures = await interleave(rounds, {
      ours: () => cpuTimed(() => chargeAll(watched.bench, watchedTurns)),
      reference: () => cpuTimed(() => chargeAll(bare.bench, bareTurns)),
    })
    return perUpdate(figures)
  }
}

export const countersElsewhere: Measure = {
  name: 'counters-elsewhere',
  what: 'model: counter update with 10,000 thresholds on other processes; with none at all',
  target: { text: '≤ 1.1 times', met: ({ ours, reference }) => ours <= 1.1 * reference },
  run: armed((bench) => {
    for (let pid = 1; pid <= 10_000; pid++) bench.put(bench.process(1000 + pid), 'stack', 'deep', { at: 1_000_000 })
  }),
}

const counts = [1, 100, 100_000] as const
const counted = new Intl.NumberFormat('en')
const thresholds = (count: number): string => `${counted.format(count)} threshold${count === 1 ? '' : 's'}`

export const countersByCount: readonly Measure[] = counts.flatMap((count) => [
  {
    name: `counters-elsewhere-${count}`,
    what: `model: counter update with ${thresholds(count)} on another limit of the same nodes; with none at all`,
    target: { text: '≤ 1.1 times', met: ({ ours, reference }) => ours <= 1.1 * reference },
    run: armed((bench) => {
      for (let place = 0; place < count; place++)
        bench.put(bench.kernel.system, 'fds', `t${place}`, { at: 1e12 + place })
    }),
  },
  {
    name: `counters-path-${count}`,
    what: `model: counter update with ${thresholds(count)} on the system’s counter, none reached; with none at all`,
    target: null,
    run: armed((bench) => onPath(bench, count)),
  },
])

export const countersOff: Measure = {
  name: 'counters-off',
  what: 'model: counter update with 100,000 thresholds on the path and the notifier off; with none at all',
  target: { text: '≤ 1.1 times', met: ({ ours, reference }) => ours <= 1.1 * reference },
  run: armed((bench) => {
    onPath(bench, 100_000)
    bench.kernel.notifier.switch(null, false)
  }),
}

export const countersArmed: Measure = {
  name: 'counters-armed',
  what: 'model: counter update with a threshold on each of the 4 levels, not reached; with none at all',
  target: null,
  run: armed((bench, threads) => {
    const at = 1e12
    for (const per of ['thread', 'process', 'partition'] as const)
      bench.put(bench.kernel.system, 'stack', per, { at, per })
    bench.put(bench.kernel.system, 'stack', 'all', { at: at * threads.length })
  }),
}

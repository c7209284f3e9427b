/**
 * Property tests of random operation sequences: after each step the counters equal a recount, the invariants hold, and
 * a refused operation has changed nothing. Repeating a sequence, or continuing from a saved state, gives the same
 * bytes.
 */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KernelError } from '../../src/kernel/errno.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { limitIndex } from '../../src/kernel/limits/table.ts'
import { Denied } from '../../src/kernel/limits/thresholds/deny.ts'
import { Node } from '../../src/kernel/nodes/node.ts'
import { nodesWithin } from '../../src/kernel/nodes/within.ts'
import { type ThreadState, threadStates } from '../../src/kernel/states.ts'
import { WheelTimer } from '../../src/kernel/time/timer-wheel.ts'
import { modelAbilities } from '../../src/model/abilities.ts'
import { Machine } from '../../src/model/machine.ts'
import type { Connection } from '../../src/model/objects/channel.ts'
import { ModelProcess } from '../../src/model/objects/model-process.ts'
import { ModelThread, type Returned } from '../../src/model/objects/model-thread.ts'
import type { PoolCapacities } from '../../src/model/pools.ts'
import { exportState, importState, type MachineState } from '../../src/model/state/state.ts'
import { NaiveTimers, warningsOf } from '../kernel/deadlock/naive-timers.ts'
import type { AnyEvent } from '../support/any-event.ts'
import { docstrings } from './calls/docstrings.ts'
import { numbersOfStep, operationOf, prologue, type Step } from './properties/choices.ts'
import { refusable, threadsOf, wrongs } from './properties/invariants.ts'
import { type Operation, perform, type Result } from './properties/operations.ts'
import { allContainers, Ledger, recount } from './properties/recount.ts'
import { difference } from './properties/same-graph.ts'

/** Small pools, which are soon exhausted. */
const pools: PoolCapacities = {
  processes: 6,
  threads: 16,
  channels: 5,
  'server-ids': 6,
  connections: 10,
  timers: 6,
  signals: 6,
  fds: 8,
  'data-pages': 40,
  memory: 60 * 4096,
}

const step: fc.Arbitrary<Step> = fc.array(fc.nat(2 ** 24), { minLength: numbersOfStep, maxLength: numbersOfStep })
const steps = (most: number) => fc.array(step, { minLength: 1, maxLength: most, size: 'max' })

function begin() {
  const kernel = new Kernel({ abilities: modelAbilities, firstRevision: 1, now: 0 })
  const events: AnyEvent[] = []
  kernel.onEvent((event) => events.push(event))
  const machine = new Machine(kernel, pools)
  const ledger = new Ledger(machine)
  for (const operation of prologue) ledger.after(operation, perform(machine, operation), () => {})
  return { machine, ledger, events }
}

/** Removes the timeout of the calling thread, which even a refused call uses up. */
function withoutTimeout(state: MachineState, operation: Operation): MachineState {
  if (operation.do !== 'call') return state
  const { pid, tid } = operation
  const processes = state.processes.map((process) =>
    process.pid !== pid
      ? process
      : {
          ...process,
          threads: process.threads.map((thread) => (thread.tid === tid ? { ...thread, timeout: null } : thread)),
        },
  )
  return { ...state, processes }
}

const nodesOf = (machine: Machine): Node[] => [
  ...threadsOf(machine),
  ...machine.processes.all(),
  ...allContainers(machine.kernel.system),
]

const usages = (machine: Machine): Map<Node, number[]> =>
  new Map(nodesOf(machine).map((node) => [node, refusable.map((limit) => machine.pools.usage(node, limit))]))

/** Usage above its capacity must have been there before, because only new usage is refused. */
function expectWithinCapacity(machine: Machine, before: ReadonlyMap<Node, readonly number[]>): void {
  for (const node of nodesOf(machine))
    for (const [place, limit] of refusable.entries()) {
      const most = Math.max(machine.pools.capacity(node, limit), before.get(node)?.[place] ?? 0)
      // A file may have been larger than the pool when it was opened.
      if (limit !== 'file-size' && machine.pools.usage(node, limit) > most)
        expect.fail(`${node.path}/${limit} is ${machine.pools.usage(node, limit)} of ${most}`)
    }
}

/** Usage above the trip point of a denying threshold must have been there before this step. */
function expectDenied(machine: Machine, before: ReadonlyMap<Node, readonly number[]>): void {
  for (const { definition, watches, path, limit } of machine.kernel.notifier.thresholds()) {
    if (definition.action !== 'deny') continue
    for (const node of watches.keys()) {
      const most = Math.max(definition.at as number, before.get(node)?.[refusable.indexOf(limit)] ?? 0)
      const used = machine.pools.usage(node, limit)
      if (used > most) expect.fail(`${path} denies more than ${most}, and ${node.path} has ${used}`)
    }
  }
}

/** A refused operation emits only limit.denied events: one for each limit that refused it. */
function expectOnlyDenials(events: readonly AnyEvent[], operation: Operation, refused: KernelError): void {
  expect(events.map(({ type }) => type)).toEqual(events.map(() => 'limit.denied'))
  expect(events.length > 0).toBe(refused instanceof Denied)
  const cause = operation.do === 'call' ? `/sys/proc/${operation.pid}/thread/${operation.tid}` : null
  for (const { data } of events) expect(data.cause).toBe(cause)
  if (events[0] !== undefined) expect(events[0].data.errno).toBe(refused.errno)
}

function expectCounted(machine: Machine, ledger: Ledger): void {
  for (const [node, counts] of recount(machine, ledger))
    for (const [limit, count] of Object.entries(counts)) {
      const index = limitIndex[limit as keyof typeof limitIndex]
      const { value, peak } = machine.kernel.usage.held(node, index)
      if (value !== count) expect.fail(`${node.path}/${limit} is ${value}, counted ${count}`)
      if (peak < count) expect.fail(`${node.path}/${limit} is ${count}, above its peak ${peak}`)
    }
}

/** The last event of each thread agrees with its state. */
function expectEventsMatchStates(machine: Machine, events: readonly AnyEvent[]): void {
  const lastState = new Map<string, unknown>()
  for (const { type, subject, data } of events) {
    if (type === 'thread.created') lastState.set(subject, 'READY')
    if (type === 'thread.died') lastState.set(subject, 'DEAD')
    if (type === 'thread.changed') lastState.set(subject, data.state)
  }
  for (const { path, condition } of threadsOf(machine)) {
    const state = condition.state === 'RUNNING' ? 'READY' : condition.state
    if (lastState.get(path) !== state)
      expect.fail(`${path} is ${state}, and the last event says ${String(lastState.get(path))}`)
  }
}

/** The docstring of a call lists every errno and every blocked state that occurs. */
function expectDocumented(
  machine: Machine,
  operation: Operation,
  { result, returned }: { result: Result; returned: ReadonlyMap<ModelThread, Returned | null> },
): void {
  const undocumented = (call: string, what: string) => expect.fail(`the docstring of ${call} does not name ${what}`)
  for (const { calling, condition } of threadsOf(machine))
    if (calling !== null && !docstrings.get(calling)!.states.has(condition.state!))
      undocumented(calling, condition.state!)
  const failures = [...returned]
    .filter(([thread, before]) => thread.returned !== before)
    .flatMap(([thread]) => (thread.returned !== null && 'errno' in thread.returned ? [thread.returned] : []))
  // Errors of threads that can make no call at all do not depend on the call.
  const isOwn = operation.do === 'call' && !['ESRCH', 'EBUSY'].includes('refused' in result ? result.refused.errno : '')
  if (isOwn && 'refused' in result) failures.push({ call: operation.call.name, errno: result.refused.errno })
  for (const { call, errno } of failures) {
    const { errnos, text } = docstrings.get(call)!
    if (!errnos.has(errno) && !text.endsWith('what MsgError answers')) undocumented(call, errno)
  }
}

/** A threshold watches each of its nodes, and its state agrees with the usage, which the model always knows. */
function expectWatched({ kernel: { notifier, usage, now } }: Machine): void {
  for (const threshold of notifier.thresholds()) {
    const { definition, watches, path, node: place, index } = threshold
    const below = definition.per === null ? [place] : [...nodesWithin(place, definition.per)]
    const processOf = (node: Node) => (node instanceof ModelThread ? node.parent : (node as ModelProcess))
    const isRoots = (node: Node) => processOf(node).uid === 0 && processOf(node).name.startsWith('m')
    const isFor = (node: Node) => notifier.switches.isOn(index) && (definition.where === null || isRoots(node))
    // A thread that has ended and is not joined exists, but is not watched.
    const living = below.filter((node) => isFor(node) && !(node instanceof ModelThread && node.isDead))
    expect(new Set([...watches.keys()].map((node) => node.path)), path).toEqual(
      new Set(living.map((node) => node.path)),
    )
    for (const [node, { state, timer, reported }] of watches) {
      const value = usage.value(node, index)
      const waits = timer?.isArmed ?? false
      if (waits) expect(timer!.at).toBeGreaterThan(now)
      if (definition.at === null) {
        expect(state).toBe('armed')
        const isSmall = definition.delta !== null && Math.abs(value - reported!.value) < definition.delta
        if (!waits && !isSmall) expect([path, node.path, reported!.value]).toEqual([path, node.path, value])
        continue
      }
      const isPast = value >= (definition.at as number)
      const stands = isPast ? (waits ? 'armed' : 'tripped') : 'armed'
      if (state !== stands || (waits && !isPast))
        expect.fail(`${path} is ${state} at ${node.path}, where there are ${value}`)
    }
  }
}

const seed = 20_070_424

/** Operations after which waits in progress are checked again: timers change, or a process moves. */
function lookOf({ do: what }: Operation): 'called' | 'initial' | 'expired' {
  if (what === 'advance') return 'expired'
  return what === 'putTimeout' || what === 'deleteTimeout' || what === 'move' ? 'initial' : 'called'
}

/** States in which no call of the model waits: INTR, network waits, and waits that take no time in the model. */
const reachable = threadStates.filter(
  (state) => !['STACK', 'WAITTHREAD', 'WAITPAGE', 'INTR', 'WAITCTX', 'NET_SEND', 'NET_REPLY'].includes(state),
)

describe('any sequence of kernel calls', () => {
  test('leaves counters, objects and pools consistent, and refused operations change nothing', () => {
    const done = { accepted: 0, refused: 0, denied: new Set<string>(), reached: new Set<ThreadState | null>() }
    fc.assert(
      fc.property(steps(200), (sequence) => {
        const { machine, ledger, events } = begin()
        for (const each of sequence) {
          const operation = operationOf(machine, each)
          const before = exportState(machine)
          const used = usages(machine)
          const earlierEvents = events.length
          const returned = new Map(threadsOf(machine).map((thread) => [thread, thread.returned]))
          const settle = ledger.before(operation)
          const result = perform(machine, operation)
          ledger.after(operation, result, settle)
          // A wait that ended at once has changed the machine and has returned an errno.
          const ended = 'refused' in result && [...returned].some(([thread, before]) => thread.returned !== before)
          if ('refused' in result && !ended) {
            done.refused++
            expect(withoutTimeout(exportState(machine), operation)).toEqual(withoutTimeout(before, operation))
            expectOnlyDenials(events.slice(earlierEvents), operation, result.refused)
            for (const { data } of events.slice(earlierEvents))
              done.denied.add(`${data.by} ${data.newborn ?? data.limit}`)
          } else done.accepted++
          for (const { condition } of threadsOf(machine)) done.reached.add(condition.state)
          expect(wrongs(machine)).toEqual([])
          expectCounted(machine, ledger)
          expectWithinCapacity(machine, used)
          expectDenied(machine, used)
          expectEventsMatchStates(machine, events)
          expectWatched(machine)
          expectDocumented(machine, operation, { result, returned })
        }
      }),
      { seed, numRuns: 60 },
    )
    // The test is only meaningful if the generator reaches deep states.
    expect(done.accepted).toBeGreaterThan(2000)
    expect(done.refused).toBeGreaterThan(200)
    for (const by of [
      'pool threads',
      'rlimit memory',
      'rlimit process',
      'threshold thread',
      'threshold channels',
      'threshold stack',
    ])
      expect(done.denied).toContain(by)
    expect(done.reached).toEqual(new Set(reachable))
  }, 180_000)

  test('causes a warning for exactly the waits that are too long, at the right time', () => {
    const seen = { warned: 0, initial: 0, eased: 0 }
    fc.assert(
      fc.property(steps(200), (sequence) => {
        const { machine, events } = begin()
        const naive = new NaiveTimers(machine)
        naive.observe(events)
        for (const each of sequence) {
          const operation = operationOf(machine, each)
          const parts =
            operation.do === 'advance' ? new Array<Operation>(operation.ms).fill({ do: 'advance', ms: 1 }) : [operation]
          for (const part of parts) {
            events.length = 0
            perform(machine, part)
            naive.observe(events)
            naive.look(lookOf(part))
            const warnings = warningsOf(events)
            expect(warnings).toEqual(naive.take())
            for (const line of warnings)
              seen[line.endsWith('initial') ? 'initial' : line.endsWith('expired') ? 'warned' : 'eased']++
          }
        }
      }),
      { seed, numRuns: 200 },
    )
    expect(Math.min(seen.warned, seen.initial, seen.eased)).toBeGreaterThan(20)
  }, 180_000)

  test('emits the same bytes and ends in the same state when repeated', () => {
    fc.assert(
      fc.property(steps(100), (sequence) => {
        const first = begin()
        const log: Operation[] = []
        for (const each of sequence) {
          const operation = operationOf(first.machine, each)
          log.push(operation)
          perform(first.machine, operation)
        }
        const second = begin()
        for (const operation of JSON.parse(JSON.stringify(log)) as Operation[]) perform(second.machine, operation)
        expect(JSON.stringify(second.events)).toBe(JSON.stringify(first.events))
        expect(exportState(second.machine)).toEqual(exportState(first.machine))
      }),
      { seed, numRuns: 40 },
    )
  }, 180_000)

  test('continues identically after the state was saved and loaded at any step', () => {
    fc.assert(
      fc.property(steps(60), steps(60), (before, after) => {
        const first = begin()
        for (const each of before) perform(first.machine, operationOf(first.machine, each))
        const saved = JSON.stringify(exportState(first.machine))
        const second = importState(JSON.parse(saved) as MachineState)
        expect(JSON.stringify(exportState(second.machine))).toBe(saved)
        expect(difference(second.machine, first.machine, isForgotten)).toBe(null)
        expect(wrongs(second.machine)).toEqual([])
        const events: AnyEvent[] = []
        second.kernel.onEvent((event) => events.push(event))
        // The owner of the events determines their next sequence.
        second.kernel.continueSequence(first.machine.kernel.nextSequence)
        first.events.length = 0
        for (const each of after) {
          const operation = operationOf(first.machine, each)
          const [one, other] = [perform(first.machine, operation), perform(second.machine, operation)]
          expect(JSON.stringify(other)).toBe(JSON.stringify(one))
        }
        expect(JSON.stringify(events)).toBe(JSON.stringify(first.events))
        expect(exportState(second.machine)).toEqual(exportState(first.machine))
      }),
      { seed, numRuns: 60 },
    )
  }, 180_000)
})

const isArmed = (timer: unknown): boolean => timer instanceof WheelTimer && timer.isArmed

/** Fields that a saved state omits because they have no effect. */
function isForgotten(field: string, found: unknown, holder: object): boolean {
  // Ended objects are saved only by name.
  if (found instanceof ModelThread) return found.parent.threads.get(found.tid) !== found
  if (found instanceof ModelProcess) return !found.container.members.has(found)
  // The wheel is saved only as the order of armed timers.
  if (holder instanceof WheelTimer && ['at', 'slot', 'next', 'previous'].includes(field)) return true
  // Change counts start when a watch starts; exportState saves the changes that are not yet reported.
  if (field === 'changes' || (field === 'timer' && !isArmed(found))) return true
  if (field === 'connection' && 'kind' in holder) return (found as Connection).detached
  // Derived: mutexes name their owners, and nodes the thresholds that watch them. A missing set equals an empty one.
  if (field === 'owned' || (field === 'watches' && found instanceof Map)) return true
  // Places in the wait-for graph, which is built again.
  if (field === 'waitNode') return true
  if (field === 'shares' && found instanceof Set) return found.size === 0
  // The place of a node in the counters is arbitrary; exportState saves the counts.
  return field === 'usage' || (holder instanceof Node && ['slot', 'above', 'revision'].includes(field))
}

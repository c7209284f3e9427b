/**
 * Tests every limit at every level, as a sum and per node, rising and falling: on the model through kernel calls, and
 * on a live source through readings. A threshold trips and clears exactly once, at its boundary.
 */

import { describe, expect, test } from 'vitest'
import { Kernel } from '../../../src/kernel/kernel.ts'
import type { Level, LimitRow } from '../../../src/kernel/limits/limit-row.ts'
import { type LimitName, limitIndex, limits } from '../../../src/kernel/limits/table.ts'
import type { ThresholdDefinition } from '../../../src/kernel/limits/thresholds/threshold.ts'
import { containers, type Node } from '../../../src/kernel/nodes/node.ts'
import type { Process } from '../../../src/kernel/nodes/process.ts'
import * as seen from '../../../src/kernel/observations.ts'
import * as measured from '../../../src/kernel/observed-usage.ts'
import { linuxAbilities } from '../../../src/sources/linux/abilities.ts'
import { defaults } from '../../kernel/support.ts'
import type { AnyEvent } from '../../support/any-event.ts'
import { World } from '../world.ts'
import { movements, page } from './movements.ts'

/** A kernel with one node of each level, each within the next, and functions that change the usage of one limit. */
interface Stage {
  readonly kernel: Kernel
  readonly nodes: Readonly<Record<Level, Node>>
  readonly up: () => void
  /** Undoes `up`. */
  readonly down: () => void
  /** Returns events since the last call. */
  readonly takeEvents: () => readonly AnyEvent[]
}

const rows: readonly LimitRow[] = limits

function modelStage(limit: LimitName): Stage {
  const world = new World()
  const partition = world.machine.putPartition(['outer', 'inner'], { memory: 100 * page })
  const { system } = world.kernel
  const process = world.spawn('p', { container: partition })
  const thread = world.thread(process)
  // Makes sums contain more than this process.
  world.spawn('other', { container: partition })
  const call = (name: string, args: object) => world.machine.call(process.pid, 1, { name, args } as never)
  const takeEvents = () => {
    const { events } = world
    world.events = []
    return events
  }
  const stage = { kernel: world.kernel, nodes: { system, partition, process, thread }, takeEvents }
  switch (limit) {
    case 'processes':
    case 'children': {
      // An ended child leaves no zombie.
      call('SignalAction', { signal: 'SIGCHLD', action: 'ignore' })
      const up = () => call('spawn', { name: 'child' })
      const down = () => {
        for (const child of [...process.children]) world.machine.call(child.pid, 1, { name: 'exit', args: {} })
      }
      return { ...stage, up, down }
    }
    case 'cpu-time':
      return { ...stage, up: () => call('compute', { us: 100 }), down: () => call('exit', {}) }
    case 'cpu':
      return { ...stage, up: () => call('compute', { us: 100_000 }), down: () => world.pass(1_000) }
    case 'connections': {
      call('ChannelCreate', {})
      const up = () => call('ConnectAttach', { pid: 0, chid: 1 })
      return { ...stage, up, down: () => call('ConnectDetach', { coid: 1 }) }
    }
    case 'stack-size': {
      // A detached thread is removed when it ends.
      const up = () => call('ThreadCreate', { detached: true, stackSize: 2 * page })
      const down = () => call('ThreadDestroy', { tid: [...process.threads.keys()].at(-1)! })
      return { ...stage, up, down }
    }
    case 'memory-free':
      call('mmap', { pages: 3 })
      return { ...stage, up: () => call('munmap', { pages: 3 }), down: () => call('mmap', { pages: 3 }) }
    default: {
      const movement = movements[limit]!
      const run = (calls: typeof movement.up) => {
        for (const each of calls) call(each.name, each.args)
      }
      return { ...stage, up: () => run(movement.up), down: () => run(movement.down) }
    }
  }
}

const liveAbilities = linuxAbilities({ fastMs: 25, fullMs: 1000, birthsReported: true })

/** Records the observations of a live source. Counts follow from created and ended nodes. */
function liveStage(limit: LimitName, level: Level): Stage {
  const kernel = new Kernel({ abilities: liveAbilities, firstRevision: 1, now: 1_000 })
  let events: AnyEvent[] = []
  kernel.onEvent((event) => events.push(event))
  const takeEvents = () => {
    const before = events
    events = []
    return before
  }
  const update = <T>(change: () => T): T => kernel.update(kernel.now + 1, change)
  const born = (pid: number, parent: Process | null = null) =>
    update(() => {
      const container = seen.partitionAppeared(kernel, ['outer', 'inner'])
      const facts = { identity: `x-${pid}`, started: 0, name: 'p', executable: null, uid: 0 }
      const process = seen.processAppeared(kernel, { pid, ...facts, parentProcess: parent, container })
      return { process, thread: seen.threadAppeared(kernel, process, { tid: pid, name: 'p', since: 0 }) }
    })
  const { process, thread } = born(1)
  const nodes = { system: kernel.system, partition: process.container, process, thread }
  const other = born(7)
  const stage = { kernel, nodes, takeEvents }
  if (limit === 'processes' || limit === 'children') {
    const up = () => born(2, process)
    const down = () => update(() => seen.processEnded(kernel, kernel.process(2), { code: 0, signal: null }))
    return { ...stage, up, down }
  }
  if (limit === 'threads') {
    const up = () => update(() => seen.threadAppeared(kernel, process, { tid: 2, name: 't', since: 0 }))
    const down = () => update(() => seen.threadEnded(kernel, process.threads.get(2)!))
    return { ...stage, up, down }
  }
  const { home, adds } = rows[limitIndex[limit]]!
  const read = (value: number) => () =>
    update(() => measured.observe(kernel, nodes[adds === 'read' ? level : home], limit, { value, at: kernel.now }))
  // Makes sums contain another, larger part.
  if (adds !== 'read') {
    const part = home === 'thread' ? other.thread : other.process
    update(() => measured.observe(kernel, part, limit, { value: 5, at: kernel.now }))
  }
  read(20)()
  return { ...stage, up: read(27), down: read(20) }
}

interface Case {
  readonly source: 'model' | 'live'
  readonly limit: LimitName
  readonly level: Level
  readonly per: boolean
}

/** Usage that never falls, or is constant during the life of a node, has separate tests below. */
const isMoved = (limit: LimitName, level: Level): boolean =>
  limit !== 'cpu-time' &&
  !(limit === 'stack-size' && level === 'thread') &&
  rows[limitIndex[limit]]!.model === undefined

const cases: Case[] = limits.flatMap(({ name: limit, at }) =>
  (at as readonly Level[]).flatMap((level) =>
    (['model', 'live'] as const).flatMap((source) =>
      [false, true]
        .filter((per) => !per || level !== 'system')
        .filter(() => (source === 'model' ? isMoved(limit, level) : isMeasured(limit, level)))
        .map((per) => ({ source, limit, level, per })),
    ),
  ),
)

function isMeasured(limit: LimitName, level: Level): boolean {
  const why = liveAbilities.unavailable[limit]
  return limit !== 'cpu-time' && (why === undefined || (typeof why !== 'string' && why[level] === undefined))
}

function begin({ source, limit, level, per }: Case) {
  const stage = source === 'model' ? modelStage(limit) : liveStage(limit, level)
  const node = stage.nodes[level]
  const value = () => stage.kernel.usage.value(node, limitIndex[limit])
  const takeEvents = () =>
    stage
      .takeEvents()
      .filter(({ type, subject }) => type.startsWith('threshold.') && subject === `${node.path}/${limit}`)
      .map(({ type, data }) => [type.slice('threshold.'.length), data.value, data.initial ?? data.reason])
  // With `per`, a threshold at every container above.
  const places = per ? [...containers(node)] : [node]
  const put = (definition: Partial<ThresholdDefinition>) => {
    const whole = { ...defaults, per: per ? level : null, ...definition }
    for (const place of places)
      stage.kernel.notifier.put(place, limitIndex[limit], 'x', { definition: whole, owner: null })
    return takeEvents()
  }
  const times = <T>(event: T): T[] => Array<T>(places.length).fill(event)
  return { ...stage, value, takeEvents, put, times }
}

describe.each(cases)('$limit at $level, per: $per, on the $source source', (one) => {
  test('rising: trips at the value and not one below it, and clears when usage falls', () => {
    const { up, down, value, takeEvents, put, times } = begin(one)
    const low = value()
    up()
    const high = value()
    expect(high).toBeGreaterThan(low)
    down()
    expect(value()).toBe(low)
    takeEvents()
    expect(put({ at: high + 1 })).toEqual([])
    up()
    expect([value(), takeEvents()]).toEqual([high, []])
    down()
    expect([put({ at: high }), takeEvents()]).toEqual([[], []])
    up()
    expect(takeEvents()).toEqual(times(['tripped', high, false]))
    down()
    expect(takeEvents()).toEqual(times(['cleared', low, 'rearmed']))
  })

  test('falling: trips at the value and not one above it, and clears when usage rises', () => {
    const { up, down, value, takeEvents, put, times } = begin(one)
    const low = value()
    up()
    const high = value()
    takeEvents()
    // One below the value is not reached yet; the value itself is reached at once.
    expect(put({ at: high - 1, direction: 'falling' })).toEqual([])
    expect(put({ at: high, direction: 'falling' })).toEqual(times(['tripped', high, true]))
    expect(put({ at: Math.max(low - 1, 0), direction: 'falling' })).toEqual(times(['cleared', high, 'replaced']))
    down()
    expect(takeEvents()).toEqual(low > 0 ? [] : times(['tripped', 0, false]))
    up()
    takeEvents()
    expect(put({ at: low, direction: 'falling' })).toEqual([])
    down()
    expect(takeEvents()).toEqual(times(['tripped', low, false]))
    up()
    expect(takeEvents()).toEqual(times(['cleared', high, 'rearmed']))
  })

  test('with a rearm point: clears at that point and not one before it', () => {
    const { up, down, value, takeEvents, put, times } = begin(one)
    const low = value()
    up()
    const high = value()
    down()
    takeEvents()
    put({ at: high, rearm: low })
    up()
    expect(takeEvents()).toEqual(times(['tripped', high, false]))
    down()
    expect(takeEvents()).toEqual(times(['cleared', low, 'rearmed']))
    if (low > 0) {
      put({ at: high, rearm: low - 1 })
      up()
      down()
      expect(takeEvents()).toEqual(times(['tripped', high, false]))
    }
    put({ at: low, rearm: high, direction: 'falling' })
    up()
    expect(takeEvents()).toEqual(times(['cleared', high, 'rearmed']))
    put({ at: low, rearm: high + 1, direction: 'falling' })
    down()
    up()
    expect(takeEvents()).toEqual(times(['tripped', low, false]))
  })
})

describe('usage that never falls, or is constant during the life of a node', () => {
  const places = ['system', 'partition', 'process', 'thread'] as const

  test.each(places)('cpu-time at %s trips at the value, and clears only when its node ends', (level) => {
    const { kernel, nodes, up, down, takeEvents } = modelStage('cpu-time')
    const path = `${nodes[level].path}/cpu-time`
    const put = (name: string, at: number) => {
      const request = { definition: { ...defaults, at }, owner: null }
      kernel.notifier.put(nodes[level], limitIndex['cpu-time'], name, request)
    }
    put('at', 100)
    put('one more', 101)
    up()
    const mine = () => takeEvents().filter(({ type, subject }) => type.startsWith('threshold.') && subject === path)
    expect(mine().map(({ type, data }) => [type, data.threshold, data.value])).toEqual([
      ['threshold.tripped', `${path}/threshold/at`, 100],
    ])
    down()
    const ended = level === 'thread' || level === 'process'
    expect(mine().map(({ data }) => data.reason)).toEqual(ended ? ['died'] : [])
  })

  test('a falling stack-size threshold per thread trips when a thread is created and clears when it ends', () => {
    const { kernel, nodes, up, down, takeEvents } = modelStage('stack-size')
    for (const place of [nodes.process, nodes.partition, nodes.system])
      for (const at of [2 * page, 2 * page + 1]) {
        const definition = { ...defaults, at, direction: 'falling', per: 'thread' } as const
        kernel.notifier.put(place, limitIndex['stack-size'], `t${at}`, { definition, owner: null })
      }
    takeEvents()
    up()
    const mine = () =>
      takeEvents()
        .filter(({ type }) => type.startsWith('threshold.'))
        .map(({ type, data }) => [type, data.at])
    const both = [2 * page, 2 * page + 1]
    expect(mine().sort()).toEqual(both.flatMap((at) => Array(3).fill(['threshold.tripped', at])))
    down()
    expect(mine().sort()).toEqual(both.flatMap((at) => Array(3).fill(['threshold.cleared', at])))
  })
})

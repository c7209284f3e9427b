/** Default timers: they warn when a thread stays blocked too long, and emit an eased event when it continues. */

import { describe, expect, test } from 'vitest'
import type { TimeoutDefinition } from '../../../src/kernel/deadlock/default-timeout.ts'
import type { Node } from '../../../src/kernel/nodes/node.ts'
import { canonicalStates, threadStateRows } from '../../../src/kernel/states.ts'
import { exportState, importState } from '../../../src/model/state/state.ts'
import { World } from '../../model/world.ts'

const canonical = ['SEND', 'MUTEX', 'JOIN'] as const

/** Creates two threads of one process: the first owns a mutex, and `wait` makes the second wait for it. */
function contention(options: { partition?: readonly string[] } = {}) {
  const world = new World()
  const container = world.machine.putPartition(options.partition ?? ['p'], {})
  const process = world.spawn('server', { container })
  const [owner, waiter] = [world.thread(process), world.more(process)]
  world.call(owner, 'SyncMutexLock', { mutex: 'm' })
  const put = (node: Node, definition: Partial<TimeoutDefinition> & Pick<TimeoutDefinition, 'afterMs'>) =>
    world.kernel.timers.put(node, { definition: { states: canonical, ...definition }, owner: null })
  const wait = () => world.call(waiter, 'SyncMutexLock', { mutex: 'm' })
  const unlock = () => world.call(owner, 'SyncMutexUnlock', { mutex: 'm' })
  const takeDeadlockEvents = () => {
    const events = world.events.filter(({ type }) => type.startsWith('deadlock.'))
    world.events = []
    return events.map(({ type, at, subject, data }) => `${type} ${subject} at ${at} ${data.blocked} ${data.timeout}`)
  }
  return { world, process, container, owner, waiter, put, wait, unlock, takeDeadlockEvents }
}

test('the canonical states are derived from the state table, and are exactly SEND, MUTEX and JOIN', () => {
  expect([...canonicalStates].sort()).toEqual(['JOIN', 'MUTEX', 'SEND'])
  const passing = threadStateRows.filter((row) => !row.transient && !row.legalForever && row.owned && !row.network)
  expect(passing.map(({ name }) => name)).toEqual(canonicalStates)
})

describe('a default timer', () => {
  test('warns once when a thread waits too long, with its wait chain, and emits one eased event when it continues', () => {
    const { world, put, wait, unlock, takeDeadlockEvents } = contention()
    put(world.kernel.system, { afterMs: 100 })
    world.pass(50)
    wait()
    world.pass(99)
    expect(takeDeadlockEvents()).toEqual([])
    world.pass(10_000)
    const [warning] = world.events.filter(({ type }) => type === 'deadlock.warning')
    expect(warning?.data).toMatchObject({
      timeout: '/sys/timeout',
      pid: 1,
      tid: 2,
      identity: 'model-1-1',
      state: 'MUTEX',
      on: { mutex: 'm', owner: '/sys/proc/1/thread/1' },
      since: '1970-01-01T00:00:00.050Z',
      blocked: '100ms',
      after: '100ms',
      initial: false,
      chain: [{ path: '/sys/proc/1/thread/2', state: 'MUTEX', object: 'm', owner: '/sys/proc/1/thread/1' }],
      end: { how: 'runs', thread: '/sys/proc/1/thread/1' },
    })
    expect(warning?.about).toEqual(['/sys/timeout', '/sys/part/p'])
    expect(takeDeadlockEvents()).toEqual(['deadlock.warning /sys/proc/1/thread/2 at 150 100ms /sys/timeout'])
    unlock()
    expect(takeDeadlockEvents()).toEqual(['deadlock.eased /sys/proc/1/thread/2 at 10149 10099ms /sys/timeout'])
    unlock()
    world.pass(10_000)
    expect(takeDeadlockEvents()).toEqual([])
  })

  test('on the nearest node applies, and one without states exempts', () => {
    const { world, process, container, put, wait, takeDeadlockEvents } = contention()
    put(world.kernel.system, { afterMs: 10 })
    put(container, { afterMs: 20 })
    put(process, { states: [], afterMs: null })
    wait()
    world.pass(1_000)
    expect(takeDeadlockEvents()).toEqual([])
    world.kernel.timers.delete(world.kernel.timers.find(process)!)
    expect(takeDeadlockEvents()).toEqual(['deadlock.warning /sys/proc/1/thread/2 at 1000 1000ms /sys/part/p/timeout'])
  })

  test('measures a wait in progress from its beginning; a wait already too long is reported at once, as initial', () => {
    const { world, put, wait, takeDeadlockEvents } = contention()
    wait()
    world.pass(30)
    put(world.kernel.system, { afterMs: 50 })
    expect(takeDeadlockEvents()).toEqual([])
    world.pass(20)
    expect(world.events.map(({ data }) => data.initial)).toEqual([false])
    expect(takeDeadlockEvents()).toEqual(['deadlock.warning /sys/proc/1/thread/2 at 50 50ms /sys/timeout'])

    const late = contention()
    late.wait()
    late.world.pass(30)
    late.put(late.world.kernel.system, { afterMs: 30 })
    expect(late.world.events.at(-1)?.data.initial).toBe(true)
    expect(late.takeDeadlockEvents()).toEqual(['deadlock.warning /sys/proc/1/thread/2 at 30 30ms /sys/timeout'])
  })

  test('warns once for each wait, whatever changes meanwhile, and still emits the eased event', () => {
    const { world, put, wait, unlock, takeDeadlockEvents } = contention()
    const { timeout } = put(world.kernel.system, { afterMs: 10 })
    wait()
    world.pass(10)
    expect(takeDeadlockEvents()).toHaveLength(1)
    put(world.kernel.system, { afterMs: 5 })
    world.pass(10)
    expect(takeDeadlockEvents()).toEqual([])
    world.kernel.timers.delete(world.kernel.timers.find(timeout.node)!)
    expect(takeDeadlockEvents()).toEqual([])
    unlock()
    expect(takeDeadlockEvents()).toEqual(['deadlock.eased /sys/proc/1/thread/2 at 20 20ms /sys/timeout'])
  })

  test('continues from one listed state straight to another, but not through an unlisted state', () => {
    const server = (states: TimeoutDefinition['states']) => {
      const world = new World()
      const [serving, sending] = [world.thread(world.spawn('server')), world.thread(world.spawn('client'))]
      const { chid, coid } = world.connect(sending, serving)
      world.kernel.timers.put(world.kernel.system, { definition: { states, afterMs: 100 }, owner: null })
      world.call(sending, 'MsgSend', { coid })
      world.pass(60)
      world.call(serving, 'MsgReceive', { chid })
      world.pass(200)
      return world.events.filter(({ type }) => type.startsWith('deadlock')).map(({ type, at }) => `${type} ${at}`)
    }
    expect(server(['SEND', 'REPLY'])).toEqual(['deadlock.warning 100'])
    expect(server(['REPLY'])).toEqual(['deadlock.warning 160'])
    expect(server(['SEND'])).toEqual([])
  })

  test('emits the eased event of a dying thread before its death', () => {
    const { world, waiter, put, wait } = contention()
    put(world.kernel.system, { afterMs: 10 })
    wait()
    world.pass(10)
    world.events = []
    world.call(world.thread(waiter.parent, 1), 'ThreadDestroy', { tid: 2 })
    expect(world.events.map(({ type, data }) => [type, data.now])).toEqual([
      ['deadlock.eased', 'DEAD'],
      ['thread.died', undefined],
    ])
  })

  test('is evaluated again when its process moves', () => {
    const { world, process, put, wait, takeDeadlockEvents } = contention()
    const elsewhere = world.machine.putPartition(['q'], {})
    put(elsewhere, { afterMs: 10 })
    wait()
    world.pass(25)
    expect(takeDeadlockEvents()).toEqual([])
    world.machine.move(process, elsewhere)
    expect(takeDeadlockEvents()).toEqual(['deadlock.warning /sys/proc/1/thread/2 at 25 25ms /sys/part/q/timeout'])
  })

  test('ends with the process it is set on', () => {
    const { world, process, owner, put } = contention()
    put(process, { afterMs: 10 })
    world.call(owner, 'exit', {})
    expect([...world.kernel.timers.timeouts()]).toEqual([])
  })

  test('emits nothing when the wait ends at the very moment of expiry', () => {
    const { world, waiter, put, takeDeadlockEvents } = contention()
    put(world.kernel.system, { afterMs: 10 })
    world.call(waiter, 'TimerTimeout', { states: ['MUTEX'], after: 10 })
    world.call(waiter, 'SyncMutexLock', { mutex: 'm' })
    world.pass(100)
    expect(takeDeadlockEvents()).toEqual([])
  })

  test('can be changed after its warning, and the saved state still loads', () => {
    const { world, put, wait, unlock } = contention()
    put(world.kernel.system, { afterMs: 10 })
    wait()
    world.pass(20)
    put(world.kernel.system, { afterMs: 500 })
    const saved = exportState(world.machine)
    const copy = importState(JSON.parse(JSON.stringify(saved)))
    expect(exportState(copy.machine)).toEqual(saved)
    unlock()
    expect(world.events.at(-1)).toMatchObject({ type: 'deadlock.eased', data: { blocked: '20ms' } })
  })

  test('continues in a machine that was saved and loaded', () => {
    const { world, process, put, wait, takeDeadlockEvents } = contention()
    put(world.kernel.system, { afterMs: 10 })
    put(process, { afterMs: 40 })
    wait()
    world.pass(20)
    const copy = importState(JSON.parse(JSON.stringify(exportState(world.machine))))
    const events: string[] = []
    copy.kernel.onEvent(({ type, at }) => events.push(`${type} ${at}`))
    copy.machine.advance(1_000)
    world.pass(980)
    expect(takeDeadlockEvents()).toEqual(['deadlock.warning /sys/proc/1/thread/2 at 40 40ms /sys/proc/1/timeout'])
    expect(events).toEqual(['deadlock.warning 40'])
    expect(exportState(copy.machine)).toEqual(exportState(world.machine))
  })
})

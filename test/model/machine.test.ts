/** Tests the machine of the model: calls, its clock, partitions and thread states. */

import { describe, expect, test } from 'vitest'
import { mayFollow, threadStates } from '../../src/kernel/states.ts'
import { kernelCallNames } from '../../src/model/calls/table.ts'
import { exportState } from '../../src/model/state/state.ts'
import { snapshot, state, World } from './world.ts'

describe('a call', () => {
  test('by a missing process or thread is refused with ESRCH and changes nothing', () => {
    const world = new World()
    const process = world.spawn('p')
    const [main, ended] = [world.thread(process), world.more(process)]
    world.call(main, 'ThreadDestroy', { tid: ended.tid })
    const before = exportState(world.machine)
    for (const [pid, tid, message] of [
      [9, 1, 'there is no process 9'],
      [1, 9, 'process 1 has no thread 9'],
      [1, 2, 'thread 2 of process 1 has ended'],
    ] as const) {
      const call = () => world.machine.call(pid, tid, { name: 'ChannelCreate', args: {} })
      expect(call).toThrow(expect.objectContaining({ errno: 'ESRCH', message }))
    }
    expect(exportState(world.machine)).toEqual(before)
  })

  test('by a blocked thread is refused with EBUSY and the reason for the block', () => {
    const world = new World()
    const process = world.spawn('p')
    const [main, other] = [world.thread(process), world.more(process)]
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    world.call(other, 'SyncMutexLock', { mutex: 'm' })
    const before = snapshot(world.machine, main)
    for (const name of kernelCallNames)
      expect(() => world.machine.call(1, 2, { name, args: {} } as never)).toThrow(
        expect.objectContaining({
          errno: 'EBUSY',
          message: 'thread 2 of process 1 is blocked in MUTEX mutex m, owner /sys/proc/1/thread/1',
        }),
      )
    expect(snapshot(world.machine, main)).toEqual(before)
  })

  test('makes its thread RUNNING and the previous caller READY, unless it is refused', () => {
    const world = new World()
    const [one, two] = [world.thread(world.spawn('one')), world.thread(world.spawn('two'))]
    world.call(one, 'ChannelCreate', {})
    expect([state(one), state(two)]).toEqual(['RUNNING', 'READY'])
    world.call(two, 'ChannelDestroy', { chid: 9 })
    expect([state(one), state(two)]).toEqual(['RUNNING', 'READY'])
    world.call(two, 'ChannelCreate', {})
    expect([state(one), state(two)]).toEqual(['READY', 'RUNNING'])
    world.call(two, 'nanosleep', { for: 1 })
    expect([state(one), state(two), world.machine.running]).toEqual(['READY', 'NANOSLEEP', null])
  })
})

describe('the clock', () => {
  test('does not run backwards: an earlier time is refused with EINVAL and changes nothing', () => {
    const world = new World()
    world.pass(1000)
    const before = exportState(world.machine)
    expect(() => world.machine.advance(999)).toThrow(
      expect.objectContaining({ errno: 'EINVAL', message: 'the clock does not go backwards' }),
    )
    expect(exportState(world.machine)).toEqual(before)
    world.machine.advance(1000)
    expect(exportState(world.machine)).toEqual(before)
  })

  test('fires each due timer at its own time', () => {
    const world = new World()
    const main = world.thread(world.spawn('p'))
    const { chid, coid } = world.connect(main, main)
    for (const code of [1, 2]) world.call(main, 'TimerCreate', { notify: { pulse: { coid, code } } })
    world.call(main, 'TimerSettime', { timerid: 1, after: 100, every: 100 })
    world.call(main, 'TimerSettime', { timerid: 2, after: 150 })
    world.call(main, 'MsgReceive', { chid })
    world.takeEvents()
    world.pass(10_000)
    expect(world.events.map(({ at }) => at)).toEqual([100])
    expect(world.kernel.now).toBe(10_000)
    expect(world.call(main, 'MsgReceive', { chid })).toMatchObject({ code: 2 })
    expect(world.call(main, 'MsgReceive', { chid })).toMatchObject({ code: 1, count: 99 })
  })
})

describe('a partition', () => {
  test('is created together with its parents, and can be removed when empty', () => {
    const world = new World()
    const inner = world.machine.putPartition(['a', 'b'], {})
    expect(world.takeEvents()).toEqual(['partition.created /sys/part/a', 'partition.created /sys/part/a/part/b'])
    const process = world.spawn('p', { container: inner })
    const outer = world.kernel.partition(['a'])!
    const before = exportState(world.machine)
    expect(() => world.machine.removePartition(inner)).toThrow(expect.objectContaining({ errno: 'EBUSY' }))
    expect(() => world.machine.removePartition(outer)).toThrow(expect.objectContaining({ errno: 'EBUSY' }))
    expect(exportState(world.machine)).toEqual(before)
    world.machine.move(process, world.kernel.system)
    world.takeEvents()
    world.machine.removePartition(inner)
    world.machine.removePartition(outer)
    expect(world.takeEvents()).toEqual(['partition.died /sys/part/a/part/b', 'partition.died /sys/part/a'])
  })

  test('is empty when its processes have ended, even if zombies remain', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    world.call(parent, 'spawn', { name: 'child' })
    const partition = world.machine.putPartition(['a'], {})
    world.machine.move(world.machine.processes.get(2), partition)
    world.call(parent, 'kill', { pid: 2, signal: 'SIGKILL' })
    world.machine.removePartition(partition)
    expect(world.call(parent, 'waitpid', {})).toMatchObject({ pid: 2 })
  })
})

describe('the states of threads', () => {
  test('follow each other as in QNX: every wait begins in RUNNING, and no wait follows another directly', () => {
    const table = Object.fromEntries(
      threadStates.map((from) => [from, threadStates.filter((to) => mayFollow(from, to)).join(' ')]),
    )
    const waits = threadStates.filter((name) => !['DEAD', 'RUNNING', 'READY', 'STOPPED'].includes(name))
    const ends = 'DEAD READY STOPPED'
    expect(table).toEqual({
      ...Object.fromEntries(waits.map((wait) => [wait, ends])),
      DEAD: '',
      READY: 'DEAD RUNNING STOPPED',
      RUNNING: ['DEAD', 'READY', 'STOPPED', ...waits].join(' '),
      STOPPED: 'DEAD READY',
      SEND: `${ends} REPLY`,
      CONDVAR: `${ends} MUTEX`,
      NET_SEND: `${ends} NET_REPLY`,
    })
  })
})

/** Tests spawning and ending processes of the model, zombies, and pids. */

import { describe, expect, test } from 'vitest'
import { initialRlimits } from '../../../src/model/calls/rlimit-changes.ts'
import type { ModelProcess } from '../../../src/model/objects/model-process.ts'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import { pidMax } from '../../../src/model/process-table.ts'
import { defaults } from '../../kernel/support.ts'
import { state, World } from '../world.ts'

function child(world: World, parent: ModelThread, name = 'child'): ModelProcess {
  const { pid } = world.call(parent, 'spawn', { name }) as { pid: number }
  return world.machine.processes.get(pid)
}

describe('spawn', () => {
  test('creates a child with one READY thread', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    expect(world.call(parent, 'spawn', { name: 'child', thread: { priority: 20 } })).toEqual({ pid: 2 })
    const made = world.machine.processes.get(2)
    expect([made.name, made.parentProcess, made.threads.size]).toEqual(['child', parent.parent, 1])
    const thread = world.thread(made)
    expect([state(thread), thread.priority, thread.name]).toEqual(['READY', 20, 'child'])
    expect(world.usage(parent.parent, 'children')).toBe(1)
  })

  test('passes user, partition and rlimits to the child', () => {
    const world = new World()
    const partition = world.machine.putPartition(['a', 'b'], {})
    const parent = world.thread(world.spawn('parent', { uid: 1000, container: partition }))
    world.call(parent, 'setrlimit', { rlimit: 'nofile', soft: 200, hard: 300 })
    const made = child(world, parent)
    expect([made.uid, made.container, made.rlimits.nofile]).toEqual([1000, partition, { soft: 200, hard: 300 }])
    expect(world.machine.pools.capacity(made, 'fds')).toBe(200)
    // The same applies to a child that was not created by a call.
    const other = world.spawn('other', { parent: parent.parent })
    expect([other.uid, other.container, other.rlimits.nofile.soft]).toEqual([1000, partition, 200])
  })

  test('passes the caller’s signal mask and the ignored signals to the child, but no handlers and no queued signals', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    const other = world.more(parent.parent)
    world.call(parent, 'SignalProcmask', { how: 'block', signals: ['SIGUSR1', 'SIGTERM'] })
    for (const signal of ['SIGUSR1', 'SIGHUP']) world.call(parent, 'SignalAction', { signal, action: 'ignore' })
    world.call(parent, 'SignalAction', { signal: 'SIGUSR2', action: 'handle' })
    world.call(parent, 'SignalKill', { pid: 0, tid: 1, signal: 'SIGTERM' })
    const made = [child(world, parent), world.spawn('created', { parent: parent.parent }), child(world, other)]
    expect(made.map((one) => [...world.thread(one).mask].map(({ name }) => name))).toEqual([
      ['SIGTERM', 'SIGUSR1'],
      ['SIGTERM', 'SIGUSR1'],
      [],
    ])
    for (const one of made) {
      expect([...one.dispositions].map(([{ name }, set]) => [name, set])).toEqual([
        ['SIGUSR1', 'ignore'],
        ['SIGHUP', 'ignore'],
      ])
      expect([one.pending, world.thread(one).pending]).toEqual([[], []])
      world.call(other, 'kill', { pid: one.pid, signal: 'SIGHUP' })
      world.call(other, 'kill', { pid: one.pid, signal: 'SIGTERM' })
    }
    expect(made.map(({ living }) => living)).toEqual([1, 1, 0])
  })

  test('sets another user only for user 0', () => {
    const world = new World()
    const root = world.thread(world.spawn('root'))
    expect(world.call(root, 'spawn', { name: 'user', uid: 1000 })).toEqual({ pid: 2 })
    const user = world.thread(world.machine.processes.get(2))
    expect(world.call(user, 'spawn', { name: 'other', uid: 1001 })).toBe('EPERM')
    expect(world.call(user, 'spawn', { name: 'same', uid: 1000 })).toEqual({ pid: 3 })
    expect(world.call(user, 'spawn', { name: 'high', thread: { priority: 64 } })).toBe('EPERM')
  })

  test('is refused with EAGAIN beyond RLIMIT_NPROC, which counts living children', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    world.call(parent, 'setrlimit', { rlimit: 'nproc', soft: 1 })
    const first = child(world, parent)
    expect(world.call(parent, 'spawn', { name: 'second' })).toBe('EAGAIN')
    expect(() => world.spawn('second', { parent: parent.parent })).toThrow('/sys/proc/1/children is at most 1 count')
    world.call(world.thread(first), 'exit', {})
    expect(world.call(parent, 'spawn', { name: 'second' })).toEqual({ pid: 3 })
  })

  test('is refused and creates nothing without room for the process, its thread or its stack', () => {
    const world = new World()
    const pool = world.machine.putPartition(['p'], { processes: 1 })
    const parent = world.thread(world.spawn('parent', { container: pool }))
    expect(world.call(parent, 'spawn', { name: 'child' })).toBe('EAGAIN')
    world.machine.putPartition(['p'], { processes: null, threads: 1 })
    expect(world.call(parent, 'spawn', { name: 'child' })).toBe('EAGAIN')
    world.machine.putPartition(['p'], { threads: null, memory: 4096 })
    expect(world.call(parent, 'spawn', { name: 'child' })).toBe('ENOMEM')
    world.machine.putPartition(['p'], { memory: null, 'address-space': 300_000 })
    expect(world.call(parent, 'spawn', { name: 'child' })).toBe('ENOMEM')
    expect(world.call(parent, 'spawn', { name: 'child', thread: { stackSize: 4096 } })).toEqual({ pid: 2 })
    world.machine.putPartition(['p'], { 'address-space': null })
    for (const rlimit of ['as', 'stack', 'rss', 'nthr'] as const) {
      const rlimits = { ...initialRlimits, [rlimit]: { soft: 0, hard: 0 } }
      expect(() => world.spawn('child', { rlimits })).toThrow(`RLIMIT_${rlimit.toUpperCase()}`)
    }
    expect(world.usage(world.kernel.system, 'processes')).toBe(2)
  })
})

describe('the end of a process', () => {
  test('emits an event with the exit code or signal after its resources are freed', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    const made = child(world, parent)
    world.more(made)
    world.takeEvents()
    world.call(world.thread(made), 'exit', { status: 3 })
    expect(world.events.at(-1)).toMatchObject({ type: 'process.died', data: { pid: 2, code: 3, signal: null } })
    expect(world.takeEvents()).toEqual([
      'thread.died /sys/proc/2/thread/1',
      'thread.died /sys/proc/2/thread/2',
      'process.died /sys/proc/2',
    ])
  })

  test('leaves a zombie that occupies its pid until the parent waits for it', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    const made = child(world, parent)
    expect(world.call(parent, 'waitpid', { pid: made.pid })).toEqual({ pid: 0, code: null, signal: null })
    world.call(world.thread(made), 'exit', { status: 3 })
    expect([
      world.machine.processes.find(2),
      world.machine.processes.pids.has(2),
      world.usage(parent.parent, 'children'),
    ]).toEqual([null, true, 0])
    expect(world.call(parent, 'waitpid', {})).toEqual({ pid: 2, code: 3, signal: null })
    expect(world.machine.processes.pids.has(2)).toBe(false)
    expect(world.call(parent, 'waitpid', {})).toBe('ECHILD')
    expect(world.call(parent, 'waitpid', { pid: 2 })).toBe('ECHILD')
  })

  test('by a signal is reported to the parent with the signal', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    const made = child(world, parent)
    world.call(parent, 'kill', { pid: made.pid, signal: 'SIGTERM' })
    expect(world.call(parent, 'waitpid', { pid: made.pid })).toEqual({ pid: 2, code: null, signal: 'SIGTERM' })
  })

  test('sends SIGCHLD to the parent, which may wait for it', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    const made = child(world, parent)
    expect(world.call(parent, 'SignalWaitinfo', { signals: ['SIGCHLD'] })).toBe('SIGWAITINFO')
    world.call(world.thread(made), 'exit', {})
    expect(parent.returned).toMatchObject({ value: { signal: 'SIGCHLD', value: 2, pid: 2 } })
  })

  test('leaves a pending SIGCHLD if the parent masks it, so a later wait for it returns', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    world.call(parent, 'SignalProcmask', { how: 'block', signals: ['SIGCHLD'] })
    world.call(world.thread(child(world, parent)), 'exit', {})
    expect(world.usage(parent.parent, 'signals')).toBe(1)
    expect(world.call(parent, 'SignalWaitinfo', { signals: ['SIGCHLD'] })).toMatchObject({ signal: 'SIGCHLD', pid: 2 })
    world.call(world.thread(child(world, parent)), 'exit', {})
    // Unmasked, it is ignored by default.
    world.call(parent, 'SignalProcmask', { how: 'unblock', signals: ['SIGCHLD'] })
    expect([world.usage(parent.parent, 'signals'), parent.isDead]).toEqual([0, false])
    // An ignored signal is dropped, masked or not.
    world.call(parent, 'SignalProcmask', { how: 'block', signals: ['SIGCHLD'] })
    world.call(parent, 'SignalAction', { signal: 'SIGCHLD', action: 'ignore' })
    world.call(world.thread(child(world, parent)), 'exit', {})
    expect(world.usage(parent.parent, 'signals')).toBe(0)
  })

  test('leaves no zombie if the parent ignores SIGCHLD, or without a parent', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    world.call(parent, 'SignalAction', { signal: 'SIGCHLD', action: 'ignore' })
    const made = child(world, parent)
    world.call(world.thread(made), 'exit', {})
    expect(world.machine.processes.pids).toEqual(new Set([1]))
    world.call(parent, 'exit', {})
    expect(world.machine.processes.pids.size).toBe(0)
  })

  test('removes its zombies, and its children continue without a parent', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    const [dead, alive] = [child(world, parent, 'dead'), child(world, parent, 'alive')]
    world.call(world.thread(dead), 'exit', {})
    expect(world.machine.processes.pids).toEqual(new Set([1, 2, 3]))
    world.call(parent, 'exit', {})
    expect(world.machine.processes.pids).toEqual(new Set([3]))
    expect([alive.parentProcess, state(world.thread(alive))]).toEqual([null, 'READY'])
    world.call(world.thread(alive), 'exit', {})
    expect(world.machine.processes.pids.size).toBe(0)
  })

  test('leaves a zombie even if the parent has no room for SIGCHLD', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent', { container: world.machine.putPartition(['p'], { signals: 0 }) }))
    world.call(parent, 'SignalAction', { signal: 'SIGCHLD', action: 'handle' })
    world.call(parent, 'SignalProcmask', { how: 'block', signals: ['SIGCHLD'] })
    const made = child(world, parent)
    world.call(world.thread(made), 'exit', {})
    expect(world.usage(parent.parent, 'signals')).toBe(0)
    expect(world.call(parent, 'waitpid', {})).toMatchObject({ pid: 2 })
  })

  test('clears its tripped thresholds with the reason died, not as its usage falls', () => {
    const world = new World()
    const process = world.spawn('hog')
    world.kernel.notifier.put(process, 0, 'own', {
      definition: { ...defaults, at: 1 },
      owner: null,
    })
    world.call(world.thread(process), 'ChannelCreate', {})
    world.takeEvents()
    world.call(world.thread(process), 'exit', {})
    expect(world.events.find(({ type }) => type === 'threshold.cleared')?.data).toMatchObject({ value: 1 })
    expect(world.takeEvents()).toEqual([
      'threshold.cleared /sys/proc/1/channels died',
      'thread.died /sys/proc/1/thread/1',
      'process.died /sys/proc/1',
    ])
  })
})

describe('a pid', () => {
  test('is used again only after every other one, and not while a zombie occupies it', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    const zombie = child(world, parent)
    world.call(world.thread(zombie), 'exit', {})
    world.machine.processes.lastPid = pidMax
    expect(world.call(parent, 'spawn', { name: 'next' })).toEqual({ pid: 3 })
    world.machine.processes.lastPid = pidMax
    world.call(parent, 'waitpid', {})
    expect(world.call(parent, 'spawn', { name: 'next' })).toEqual({ pid: 2 })
  })

  test('belongs to another identity when it is used again', () => {
    const world = new World()
    const first = world.spawn('first')
    world.call(world.thread(first), 'exit', {})
    world.machine.processes.lastPid = pidMax
    const second = world.spawn('second')
    expect([second.pid, second.identity === first.identity]).toEqual([1, false])
  })
})

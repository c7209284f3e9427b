/** Tests signals of the model. */

import { describe, expect, test } from 'vitest'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import { signalRows } from '../../../src/model/signals.ts'
import { returned, state, World } from '../world.ts'

/** A sender, and a receiver of two threads. */
function two(): { world: World; sender: ModelThread; main: ModelThread; other: ModelThread; pid: number } {
  const world = new World()
  const process = world.spawn('receiver')
  const [main, other] = [world.thread(process), world.more(process)]
  return { world, sender: world.thread(world.spawn('sender')), main, other, pid: process.pid }
}

describe('default actions of signals', () => {
  for (const { name, action } of signalRows) {
    test(`${name}: ${action}`, () => {
      const { world, sender, main, other, pid } = two()
      world.call(other, 'nanosleep', { for: 1000 })
      expect(world.call(sender, 'SignalKill', { pid, signal: name })).toEqual({})
      if (action === 'terminate') {
        expect(world.machine.processes.find(pid)).toBe(null)
        expect(world.events.at(-1)).toMatchObject({ type: 'process.died', data: { code: null, signal: name } })
      } else expect([state(main), state(other)]).toEqual([action === 'stop' ? 'STOPPED' : 'READY', 'NANOSLEEP'])
    })
  }
})

describe('SignalKill', () => {
  test('needs an existing process, a living thread, and permission', () => {
    const { world, sender, main, other, pid } = two()
    const user = world.thread(world.spawn('user', { uid: 1000 }))
    const own = world.spawn('own', { uid: 1000 })
    world.call(main, 'ThreadDestroy', { tid: other.tid })
    expect(world.call(sender, 'SignalKill', { pid: 99, signal: 'SIGTERM' })).toBe('ESRCH')
    expect(world.call(sender, 'SignalKill', { pid, tid: 9, signal: 'SIGTERM' })).toBe('ESRCH')
    expect(world.call(sender, 'SignalKill', { pid, tid: other.tid, signal: 'SIGTERM' })).toBe('ESRCH')
    expect(world.call(sender, 'SignalKill', { pid, signal: 'SIGNONE' })).toBe('EINVAL')
    expect(world.call(user, 'SignalKill', { pid, signal: 'SIGTERM' })).toBe('EPERM')
    expect(world.call(user, 'SignalKill', { pid, signal: null })).toBe('EPERM')
    expect(world.call(user, 'SignalKill', { pid: own.pid, signal: null })).toEqual({})
    expect(world.call(user, 'SignalKill', { pid: own.pid, signal: 'SIGTERM' })).toEqual({})
    expect([world.machine.processes.find(own.pid), state(main)]).toEqual([null, 'READY'])
  })

  test('to the caller’s own process can end the caller', () => {
    const { world, sender } = two()
    expect(world.call(sender, 'kill', { pid: 0, signal: 'SIGTERM' })).toEqual({})
    expect(state(sender)).toBe('DEAD')
  })

  test('to a process is delivered to the first thread that does not mask it', () => {
    const { world, sender, main, other, pid } = two()
    world.call(main, 'SignalAction', { signal: 'SIGUSR1', action: 'handle' })
    world.call(main, 'SignalProcmask', { how: 'block', signals: ['SIGUSR1'] })
    for (const thread of [main, other]) world.call(thread, 'nanosleep', { for: 1000 })
    world.call(sender, 'SignalKill', { pid, signal: 'SIGUSR1' })
    expect([main, other].map((thread) => [state(thread), returned(thread)])).toEqual([
      ['NANOSLEEP', null],
      ['READY', 'EINTR'],
    ])
  })

  test('to a thread is delivered or pending there, regardless of other threads', () => {
    const { world, sender, main, other, pid } = two()
    world.call(main, 'SignalAction', { signal: 'SIGUSR1', action: 'handle' })
    world.call(main, 'SignalProcmask', { how: 'block', signals: ['SIGUSR1'] })
    world.call(other, 'nanosleep', { for: 1000 })
    world.call(sender, 'SignalKill', { pid, tid: main.tid, signal: 'SIGUSR1' })
    expect([state(other), world.usage(main.parent, 'signals')]).toEqual(['NANOSLEEP', 1])
    expect(world.call(main, 'SignalWaitinfo', { signals: ['SIGUSR1'] })).toMatchObject({ signal: 'SIGUSR1' })
    expect(world.usage(main.parent, 'signals')).toBe(0)
  })

  test('masked by every thread leaves one pending signal; real-time signals queue, lower numbers first', () => {
    const { world, sender, main, other, pid } = two()
    const signals = ['SIGUSR2', 'SIGRTMIN+1', 'SIGRTMIN']
    for (const thread of [main, other]) world.call(thread, 'SignalProcmask', { how: 'set', signals })
    for (const [signal, value] of [
      ['SIGRTMIN+1', 1],
      ['SIGRTMIN', 2],
      ['SIGUSR2', 3],
      ['SIGRTMIN+1', 4],
      ['SIGUSR2', 5],
    ] as const)
      expect(world.call(sender, 'SignalKill', { pid, signal, value })).toEqual({})
    expect(world.usage(main.parent, 'signals')).toBe(4)
    const taken = Array.from({ length: 4 }, () => world.call(main, 'SignalWaitinfo', { signals }))
    expect(taken.map((info) => (info as { value: number }).value)).toEqual([3, 2, 1, 4])
    expect(taken[0]).toEqual({ signal: 'SIGUSR2', code: 0, value: 3, pid: sender.parent.pid })
    expect(world.call(main, 'SignalWaitinfo', { signals })).toBe('SIGWAITINFO')
  })

  test('fails with EAGAIN and queues nothing if a pending signal finds no room', () => {
    const { world, sender, main, other, pid } = two()
    world.machine.move(main.parent, world.machine.putPartition(['p'], { signals: 1 }))
    for (const thread of [main, other])
      world.call(thread, 'SignalProcmask', { how: 'set', signals: ['SIGUSR1', 'SIGUSR2', 'SIGCONT'] })
    expect(world.call(sender, 'SignalKill', { pid, signal: 'SIGUSR1' })).toEqual({})
    expect(world.call(sender, 'SignalKill', { pid, signal: 'SIGUSR2' })).toBe('EAGAIN')
    // A signal that is already pending needs no other entry.
    expect(world.call(sender, 'SignalKill', { pid, signal: 'SIGUSR1' })).toEqual({})
    // SIGCONT and SIGKILL are never refused.
    expect(world.call(sender, 'SignalKill', { pid, signal: 'SIGSTOP' })).toEqual({})
    expect(state(other)).toBe('STOPPED')
    expect(world.call(sender, 'SignalKill', { pid, signal: 'SIGCONT' })).toEqual({})
    expect([state(other), world.usage(main.parent, 'signals')]).toEqual(['READY', 1])
    expect(world.call(sender, 'SignalKill', { pid, signal: 'SIGKILL' })).toEqual({})
    expect(world.machine.processes.find(pid)).toBe(null)
  })
})

describe('a handled signal', () => {
  test('interrupts the interruptible waits with EINTR, and no others', () => {
    const waits: Record<string, (world: World, thread: ModelThread) => unknown> = {
      SEND: (world, thread) =>
        world.call(thread, 'MsgSend', world.connect(thread, world.thread(world.spawn('server')))),
      REPLY: (world, thread) => {
        const server = world.thread(world.spawn('server'))
        const { coid, chid } = world.connect(thread, server)
        world.call(server, 'MsgReceive', { chid })
        return world.call(thread, 'MsgSend', { coid })
      },
      RECEIVE: (world, thread) =>
        world.call(thread, 'MsgReceive', world.call(thread, 'ChannelCreate', {}) as { chid: number }),
      SEM: (world, thread) => {
        world.call(thread, 'SyncTypeCreate', { name: 's', type: 'semaphore' })
        return world.call(thread, 'SyncSemWait', { semaphore: 's' })
      },
      NANOSLEEP: (world, thread) => world.call(thread, 'nanosleep', { for: 1000 }),
      SIGSUSPEND: (world, thread) => world.call(thread, 'SignalSuspend', { mask: [] }),
      SIGWAITINFO: (world, thread) => world.call(thread, 'SignalWaitinfo', { signals: ['SIGUSR2'] }),
      MUTEX: (world, thread) => {
        world.call(thread, 'SyncMutexLock', { mutex: 'm' })
        return world.call(thread, 'SyncMutexLock', { mutex: 'm' })
      },
      CONDVAR: (world, thread) => {
        world.call(thread, 'SyncMutexLock', { mutex: 'm' })
        return world.call(thread, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
      },
      JOIN: (world, thread) => world.call(thread, 'ThreadJoin', { tid: 2 }),
    }
    const after = Object.entries(waits).map(([wait, begin]) => {
      const { world, sender, main, pid } = two()
      world.call(main, 'SignalAction', { signal: 'SIGUSR1', action: 'handle' })
      expect(begin(world, main)).toBe(wait)
      world.call(sender, 'SignalKill', { pid, tid: main.tid, signal: 'SIGUSR1' })
      return [wait, state(main), returned(main)]
    })
    expect(after).toEqual([
      ['SEND', 'READY', 'EINTR'],
      ['REPLY', 'READY', 'EINTR'],
      ['RECEIVE', 'READY', 'EINTR'],
      ['SEM', 'READY', 'EINTR'],
      ['NANOSLEEP', 'READY', 'EINTR'],
      ['SIGSUSPEND', 'READY', 'EINTR'],
      ['SIGWAITINFO', 'READY', 'EINTR'],
      ['MUTEX', 'MUTEX', null],
      ['CONDVAR', 'CONDVAR', null],
      ['JOIN', 'JOIN', null],
    ])
  })

  test('removes an interrupted message from the channel', () => {
    const { world, sender, main, pid } = two()
    const server = world.thread(world.spawn('server'))
    const { coid, chid } = world.connect(main, server)
    world.call(main, 'SignalAction', { signal: 'SIGUSR1', action: 'handle' })
    world.call(main, 'MsgSend', { coid })
    world.call(sender, 'SignalKill', { pid, signal: 'SIGUSR1' })
    expect(world.call(server, 'MsgReceive', { chid })).toBe('RECEIVE')
  })
})

describe('SignalAction', () => {
  test('drops pending signals that are ignored from now on', () => {
    const { world, sender, main, other, pid } = two()
    for (const thread of [main, other])
      world.call(thread, 'SignalProcmask', { how: 'block', signals: ['SIGUSR1', 'SIGUSR2'] })
    world.call(sender, 'SignalKill', { pid, signal: 'SIGUSR1' })
    world.call(sender, 'SignalKill', { pid, tid: other.tid, signal: 'SIGUSR1' })
    world.call(sender, 'SignalKill', { pid, signal: 'SIGUSR2' })
    expect(world.usage(main.parent, 'signals')).toBe(3)
    world.call(main, 'SignalAction', { signal: 'SIGUSR1', action: 'ignore' })
    expect(world.usage(main.parent, 'signals')).toBe(1)
    world.call(sender, 'SignalKill', { pid, signal: 'SIGUSR1' })
    expect(world.usage(main.parent, 'signals')).toBe(1)
  })

  test('cannot change SIGKILL and SIGSTOP', () => {
    const { world, main } = two()
    for (const signal of ['SIGKILL', 'SIGSTOP'])
      expect(world.call(main, 'SignalAction', { signal, action: 'ignore' })).toBe('EINVAL')
    expect(world.call(main, 'SignalAction', { signal: 'SIGNONE', action: 'ignore' })).toBe('EINVAL')
  })
})

describe('SignalProcmask', () => {
  test('adds to, removes from or replaces the mask, and returns the former one', () => {
    const { world, main } = two()
    const mask = (how: 'block' | 'unblock' | 'set', ...signals: string[]) =>
      world.call(main, 'SignalProcmask', { how, signals })
    expect(mask('block', 'SIGUSR2', 'SIGHUP')).toEqual({ mask: [] })
    expect(mask('block', 'SIGINT', 'SIGKILL', 'SIGSTOP')).toEqual({ mask: ['SIGHUP', 'SIGUSR2'] })
    expect(mask('unblock', 'SIGHUP')).toEqual({ mask: ['SIGHUP', 'SIGINT', 'SIGUSR2'] })
    expect(mask('set', 'SIGTERM')).toEqual({ mask: ['SIGINT', 'SIGUSR2'] })
    expect(mask('set')).toEqual({ mask: ['SIGTERM'] })
    expect(mask('block', 'SIGNONE')).toBe('EINVAL')
  })

  test('delivers pending signals that are no longer masked', () => {
    const { world, sender, main, other, pid } = two()
    for (const thread of [main, other]) world.call(thread, 'SignalProcmask', { how: 'block', signals: ['SIGTERM'] })
    world.call(sender, 'SignalKill', { pid, signal: 'SIGTERM' })
    expect(state(other)).toBe('READY')
    world.call(main, 'SignalProcmask', { how: 'unblock', signals: ['SIGTERM'] })
    expect(world.machine.processes.find(pid)).toBe(null)
  })
})

describe('SignalWaitinfo', () => {
  test('waits for any of its signals, masked or not, and prevents their action', () => {
    const { world, sender, main, pid } = two()
    expect(world.call(main, 'SignalWaitinfo', { signals: ['SIGTERM', 'SIGUSR1'] })).toBe('SIGWAITINFO')
    expect(main.waitsOn).toEqual({ signals: 'SIGTERM SIGUSR1' })
    world.call(sender, 'SignalKill', { pid, signal: 'SIGTERM', code: 1, value: 2 })
    expect(returned(main)).toEqual({ signal: 'SIGTERM', code: 1, value: 2, pid: sender.parent.pid })
  })

  test('never takes SIGKILL or SIGSTOP, whose actions always happen', () => {
    const { world, sender, main, pid } = two()
    expect(world.call(main, 'SignalWaitinfo', { signals: ['SIGKILL'] })).toBe('EINVAL')
    expect(world.call(main, 'SignalWaitinfo', { signals: [] })).toBe('EINVAL')
    expect(world.call(main, 'SignalWaitinfo', { signals: ['SIGSTOP', 'SIGKILL', 'SIGUSR1'] })).toBe('SIGWAITINFO')
    world.call(sender, 'SignalKill', { pid, signal: 'SIGKILL' })
    expect(world.machine.processes.find(pid)).toBe(null)
  })
})

describe('SignalSuspend', () => {
  test('waits with another mask until a handler has run, and restores the former mask', () => {
    const { world, sender, main, pid } = two()
    for (const signal of ['SIGUSR1', 'SIGUSR2']) world.call(main, 'SignalAction', { signal, action: 'handle' })
    world.call(main, 'SignalProcmask', { how: 'set', signals: ['SIGUSR1'] })
    expect(world.call(main, 'SignalSuspend', { mask: ['SIGUSR2'] })).toBe('SIGSUSPEND')
    world.call(sender, 'SignalKill', { pid, tid: main.tid, signal: 'SIGUSR2' })
    expect(state(main)).toBe('SIGSUSPEND')
    world.call(sender, 'SignalKill', { pid, tid: main.tid, signal: 'SIGUSR1' })
    expect([state(main), returned(main)]).toEqual(['READY', 'EINTR'])
    // The former mask admits the pending signal.
    expect(world.usage(main.parent, 'signals')).toBe(0)
    expect(world.call(main, 'SignalProcmask', { how: 'set', signals: [] })).toEqual({ mask: ['SIGUSR1'] })
  })

  test('returns at once if a pending signal is not in its mask', () => {
    const { world, sender, main, pid } = two()
    world.call(main, 'SignalAction', { signal: 'SIGUSR1', action: 'handle' })
    world.call(main, 'SignalProcmask', { how: 'set', signals: ['SIGUSR1'] })
    world.call(sender, 'SignalKill', { pid, tid: main.tid, signal: 'SIGUSR1' })
    expect(world.call(main, 'SignalSuspend', { mask: [] })).toBe('EINTR')
    expect([state(main), world.usage(main.parent, 'signals')]).toEqual(['READY', 0])
  })

  test('ends or stops the process if a signal outside its mask does', () => {
    const { world, sender, main, other, pid } = two()
    world.call(main, 'SignalAction', { signal: 'SIGRTMIN', action: 'handle' })
    for (const thread of [main, other])
      world.call(thread, 'SignalProcmask', { how: 'set', signals: ['SIGTSTP', 'SIGRTMIN', 'SIGTERM'] })
    world.call(sender, 'SignalKill', { pid, signal: 'SIGTSTP' })
    world.call(sender, 'SignalKill', { pid, signal: 'SIGRTMIN' })
    expect(world.call(main, 'SignalSuspend', { mask: ['SIGTERM'] })).toBe('SIGSUSPEND')
    expect([state(main), state(other)]).toEqual(['SIGSUSPEND', 'STOPPED'])
    world.call(sender, 'SignalKill', { pid, signal: 'SIGCONT' })
    expect([state(main), returned(main), state(other)]).toEqual(['READY', 'EINTR', 'READY'])
    world.call(sender, 'SignalKill', { pid, signal: 'SIGTERM' })
    expect(world.call(main, 'SignalSuspend', { mask: [] })).toEqual({})
    expect(world.machine.processes.find(pid)).toBe(null)
  })
})

describe('a process that is stopped', () => {
  test('has STOPPED threads as soon as they would run, and all continue with SIGCONT', () => {
    const { world, sender, main, other, pid } = two()
    world.call(other, 'nanosleep', { for: 10 })
    world.call(sender, 'kill', { pid, signal: 'SIGSTOP' })
    expect([state(main), state(other)]).toEqual(['STOPPED', 'NANOSLEEP'])
    expect(world.call(main, 'ChannelCreate', {})).toBe('EBUSY')
    world.pass(10)
    expect([state(other), returned(other)]).toEqual(['STOPPED', {}])
    world.call(sender, 'kill', { pid, signal: 'SIGCONT' })
    expect([state(main), state(other)]).toEqual(['READY', 'READY'])
  })

  test('can have stopped itself in a call, which has then returned', () => {
    const { world, sender, main, pid } = two()
    world.call(main, 'TimerTimeout', { states: ['NANOSLEEP'], after: 10 })
    expect(world.call(main, 'kill', { pid: 0, signal: 'SIGSTOP' })).toEqual({})
    expect([state(main), main.timeout, main.calling]).toEqual(['STOPPED', null, null])
    world.call(sender, 'kill', { pid, signal: 'SIGCONT' })
    expect(world.call(main, 'nanosleep', { for: 1000 })).toBe('NANOSLEEP')
    world.pass(100)
    expect(state(main)).toBe('NANOSLEEP')
  })

  test('receives signals only when it continues, except SIGKILL', () => {
    const { world, sender, main, pid } = two()
    world.call(sender, 'kill', { pid, signal: 'SIGSTOP' })
    world.call(sender, 'kill', { pid, signal: 'SIGTERM' })
    expect([state(main), world.usage(main.parent, 'signals')]).toEqual(['STOPPED', 1])
    world.call(sender, 'kill', { pid, signal: 'SIGCONT' })
    expect(world.machine.processes.find(pid)).toBe(null)
    const next = world.spawn('next')
    world.call(sender, 'kill', { pid: next.pid, signal: 'SIGSTOP' })
    world.call(sender, 'kill', { pid: next.pid, signal: 'SIGKILL' })
    expect(world.machine.processes.find(next.pid)).toBe(null)
  })

  test('has no pending SIGCONT from before the stop', () => {
    const { world, sender, main, other, pid } = two()
    world.call(main, 'SignalAction', { signal: 'SIGCONT', action: 'handle' })
    for (const thread of [main, other]) world.call(thread, 'SignalProcmask', { how: 'set', signals: ['SIGCONT'] })
    world.call(sender, 'SignalKill', { pid, signal: 'SIGCONT' })
    world.call(sender, 'SignalKill', { pid, tid: main.tid, signal: 'SIGCONT' })
    expect(world.usage(main.parent, 'signals')).toBe(2)
    world.call(sender, 'SignalKill', { pid, signal: 'SIGSTOP' })
    expect([state(main), world.usage(main.parent, 'signals')]).toEqual(['STOPPED', 0])
  })

  test('continues with SIGCONT even if a thread waits for, ignores or masks that signal', () => {
    const { world, sender, main, other, pid } = two()
    world.call(main, 'SignalWaitinfo', { signals: ['SIGCONT'] })
    world.call(sender, 'kill', { pid, signal: 'SIGSTOP' })
    world.call(sender, 'kill', { pid, signal: 'SIGCONT' })
    expect([state(main), state(other)]).toEqual(['READY', 'READY'])
    expect(returned(main)).toMatchObject({ signal: 'SIGCONT' })
    world.call(main, 'SignalAction', { signal: 'SIGCONT', action: 'ignore' })
    world.call(sender, 'kill', { pid, signal: 'SIGSTOP' })
    world.call(sender, 'kill', { pid, signal: 'SIGCONT' })
    expect([state(main), state(other)]).toEqual(['READY', 'READY'])
  })

  test('drops pending stop signals when SIGCONT is sent', () => {
    const { world, sender, main, other, pid } = two()
    for (const thread of [main, other]) world.call(thread, 'SignalProcmask', { how: 'block', signals: ['SIGTSTP'] })
    world.call(sender, 'kill', { pid, signal: 'SIGTSTP' })
    expect(world.usage(main.parent, 'signals')).toBe(1)
    world.call(sender, 'kill', { pid, signal: 'SIGCONT' })
    expect(world.usage(main.parent, 'signals')).toBe(0)
    world.call(main, 'SignalProcmask', { how: 'set', signals: [] })
    expect(state(main)).toBe('RUNNING')
  })
})

/** Tests priority inheritance of the model, through mutexes and through messages. */

import { describe, expect, test } from 'vitest'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import { exportState, importState } from '../../../src/model/state/state.ts'
import { state, World } from '../world.ts'

const priorities = (...threads: readonly ModelThread[]): number[] => threads.map(({ priority }) => priority)

/** Threads of one process, of these priorities. */
function threadsOf(world: World, ...all: readonly number[]): ModelThread[] {
  const [first = 10, ...rest] = all
  const process = world.spawn('threads', { thread: { priority: first } })
  return [world.thread(process), ...rest.map((priority) => world.more(process, { priority }))]
}

describe('a mutex', () => {
  test('raises its owner to the priority of the first waiter until it is unlocked', () => {
    const world = new World()
    const [low, middle, high] = threadsOf(world, 5, 20, 30) as [ModelThread, ModelThread, ModelThread]
    world.call(low, 'SyncMutexLock', { mutex: 'm' })
    world.call(middle, 'SyncMutexLock', { mutex: 'm' })
    expect(priorities(low, middle, high)).toEqual([20, 20, 30])
    world.call(high, 'SyncMutexLock', { mutex: 'm' })
    expect(priorities(low, middle, high)).toEqual([30, 20, 30])
    world.call(low, 'SyncMutexUnlock', { mutex: 'm' })
    expect([state(middle), state(high)]).toEqual(['MUTEX', 'READY'])
    expect(priorities(low, middle, high)).toEqual([5, 20, 30])
  })

  test('is acquired in order of priority and then of arrival', () => {
    const world = new World()
    const [owner, ...waiters] = threadsOf(world, 10, 10, 30, 10, 30) as [ModelThread, ...ModelThread[]]
    world.call(owner, 'SyncMutexLock', { mutex: 'm' })
    for (const waiter of waiters) world.call(waiter, 'SyncMutexLock', { mutex: 'm' })
    const order: number[] = []
    for (let at = owner; ; ) {
      world.call(at, 'SyncMutexUnlock', { mutex: 'm' })
      const next = waiters.find((waiter) => state(waiter) === 'READY' && !order.includes(waiter.tid))
      if (next === undefined) break
      order.push(next.tid)
      at = next
    }
    expect(order).toEqual([3, 5, 2, 4])
  })

  test('raises its new owner to the priority of the remaining waiters', () => {
    const world = new World()
    const [owner, high, low] = threadsOf(world, 5, 20, 10) as [ModelThread, ModelThread, ModelThread]
    world.call(owner, 'SyncMutexLock', { mutex: 'm' })
    world.call(low, 'SyncMutexLock', { mutex: 'm' })
    world.call(high, 'SyncMutexLock', { mutex: 'm' })
    world.call(owner, 'SyncMutexUnlock', { mutex: 'm' })
    const later = world.more(owner.parent, { priority: 40 })
    world.call(later, 'SyncMutexLock', { mutex: 'm' })
    expect(priorities(owner, high, low)).toEqual([5, 40, 10])
    world.call(high, 'SyncMutexUnlock', { mutex: 'm' })
    expect([state(later), priorities(high)]).toEqual(['READY', [20]])
  })

  test('owned with another one raises its owner to the higher inherited priority, then to the lower', () => {
    const world = new World()
    const [owner, one, two] = threadsOf(world, 5, 20, 30) as [ModelThread, ModelThread, ModelThread]
    for (const mutex of ['a', 'b']) world.call(owner, 'SyncMutexLock', { mutex })
    world.call(one, 'SyncMutexLock', { mutex: 'a' })
    world.call(two, 'SyncMutexLock', { mutex: 'b' })
    expect(owner.priority).toBe(30)
    world.call(owner, 'SyncMutexUnlock', { mutex: 'b' })
    expect(owner.priority).toBe(20)
    world.call(owner, 'SyncMutexUnlock', { mutex: 'a' })
    expect(owner.priority).toBe(5)
  })

  test('passes priority along a chain of owners, and takes it back when the last wait ends', () => {
    const world = new World()
    const [first, second, third, high] = threadsOf(world, 5, 6, 7, 40) as [
      ModelThread,
      ModelThread,
      ModelThread,
      ModelThread,
    ]
    world.call(first, 'SyncMutexLock', { mutex: 'a' })
    world.call(second, 'SyncMutexLock', { mutex: 'b' })
    world.call(third, 'SyncMutexLock', { mutex: 'c' })
    world.call(second, 'SyncMutexLock', { mutex: 'a' })
    world.call(third, 'SyncMutexLock', { mutex: 'b' })
    world.call(high, 'TimerTimeout', { states: ['MUTEX'], after: 50 })
    world.call(high, 'SyncMutexLock', { mutex: 'c' })
    expect(priorities(first, second, third)).toEqual([40, 40, 40])
    world.pass(50)
    expect(state(high)).toBe('READY')
    expect(priorities(first, second, third)).toEqual([7, 7, 7])
  })

  test('in a loop of owners raises nobody above the priority of waiters outside the loop', () => {
    const world = new World()
    const [first, second, high] = threadsOf(world, 5, 6, 40) as [ModelThread, ModelThread, ModelThread]
    world.call(first, 'SyncMutexLock', { mutex: 'a' })
    world.call(second, 'SyncMutexLock', { mutex: 'b' })
    world.call(first, 'SyncMutexLock', { mutex: 'b' })
    world.call(second, 'SyncMutexLock', { mutex: 'a' })
    expect(priorities(first, second)).toEqual([6, 6])
    world.call(high, 'TimerTimeout', { states: ['MUTEX'], after: 50 })
    world.call(high, 'SyncMutexLock', { mutex: 'a' })
    expect(priorities(first, second)).toEqual([40, 40])
    world.pass(50)
    expect(priorities(first, second)).toEqual([6, 6])
  })

  test('takes back the priority of a waiter that ends', () => {
    const world = new World()
    const [owner, high] = threadsOf(world, 5, 30) as [ModelThread, ModelThread]
    world.call(owner, 'SyncMutexLock', { mutex: 'm' })
    world.call(high, 'SyncMutexLock', { mutex: 'm' })
    expect(owner.priority).toBe(30)
    world.call(owner, 'ThreadDestroy', { tid: high.tid })
    expect(owner.priority).toBe(5)
  })

  test('moves a waiter in its queue when that inherits priority', () => {
    const world = new World()
    const [owner, low, middle, high] = threadsOf(world, 30, 5, 10, 20) as [
      ModelThread,
      ModelThread,
      ModelThread,
      ModelThread,
    ]
    world.call(owner, 'SyncMutexLock', { mutex: 'a' })
    world.call(low, 'SyncMutexLock', { mutex: 'b' })
    world.call(middle, 'SyncMutexLock', { mutex: 'a' })
    world.call(low, 'SyncMutexLock', { mutex: 'a' })
    world.call(high, 'SyncMutexLock', { mutex: 'b' })
    world.call(owner, 'SyncMutexUnlock', { mutex: 'a' })
    expect([state(low), state(middle)]).toEqual(['READY', 'MUTEX'])
  })
})

describe('a server', () => {
  function served({ fixedPriority = false, servers = 1, clients = [10] as readonly number[] } = {}) {
    const world = new World()
    const process = world.spawn('server', { thread: { priority: 15 } })
    const threads = [world.thread(process)]
    while (threads.length < servers) threads.push(world.more(process, { priority: 15 }))
    const { chid } = world.call(threads[0]!, 'ChannelCreate', { fixedPriority }) as { chid: number }
    const senders = clients.map((priority) => {
      const client = world.thread(world.spawn('client', { thread: { priority } }))
      world.call(client, 'ConnectAttach', { pid: process.pid, chid })
      return client
    })
    const send = (client: ModelThread) => world.call(client, 'MsgSend', { coid: 1 })
    const receive = (thread: ModelThread) => world.call(thread, 'MsgReceive', { chid })
    return { world, server: threads[0]!, threads, senders, chid, send, receive }
  }

  test('runs at the priority of the received message, higher or lower, until it receives again', () => {
    const { world, server, senders, send, receive } = served({ clients: [30, 5] })
    send(senders[0]!)
    receive(server)
    expect(server.priority).toBe(30)
    world.call(server, 'MsgReply', { rcvid: 1 })
    expect(server.priority).toBe(30)
    expect(receive(server)).toBe('RECEIVE')
    expect(server.priority).toBe(15)
    send(senders[1]!)
    expect(server.priority).toBe(5)
  })

  test('runs at the priority of a received pulse', () => {
    const { world, server, senders, receive } = served({ clients: [10] })
    receive(server)
    world.call(senders[0]!, 'MsgSendPulse', { coid: 1, code: 1, priority: 40 })
    expect(server.priority).toBe(40)
    receive(server)
    world.call(senders[0]!, 'MsgSendPulse', { coid: 1, code: 1, priority: 4 })
    expect(server.priority).toBe(4)
  })

  test('inherits the priority of a client that is SEND-blocked on its channel at once', () => {
    const { server, senders, send, receive, world } = served({ clients: [10, 30] })
    send(senders[0]!)
    receive(server)
    expect(server.priority).toBe(10)
    send(senders[1]!)
    expect(server.priority).toBe(30)
    world.call(world.thread(world.spawn('killer')), 'kill', { pid: senders[1]!.parent.pid, signal: 'SIGKILL' })
    expect(server.priority).toBe(10)
  })

  test('inherits the priority of a pulse that waits at its channel, until the pulse is received', () => {
    const { world, threads, senders, send, receive, chid } = served({ servers: 2, clients: [10, 11, 20] })
    send(senders[0]!)
    send(senders[1]!)
    receive(threads[0]!)
    receive(threads[1]!)
    for (const priority of [40, 30]) world.call(senders[2]!, 'MsgSendPulse', { coid: 1, code: 1, priority })
    send(senders[2]!)
    expect(priorities(...threads)).toEqual([40, 40])
    const copy = importState(JSON.parse(JSON.stringify(exportState(world.machine))))
    expect(copy.machine.processes.get(1).threads.get(1)?.priority).toBe(40)
    expect(receive(threads[0]!)).toMatchObject({ rcvid: 0, priority: 40 })
    expect(priorities(...threads)).toEqual([40, 30])
    expect(receive(threads[0]!)).toMatchObject({ rcvid: 0, priority: 30 })
    expect(priorities(...threads)).toEqual([30, 20])
    world.call(threads[0]!, 'ChannelDestroy', { chid })
    expect(priorities(...threads)).toEqual([15, 15])
  })

  test('does not inherit the priority of a pulse through a channel with fixed priority', () => {
    const { world, server, senders, send, receive } = served({ fixedPriority: true, clients: [30] })
    send(senders[0]!)
    receive(server)
    const other = world.more(senders[0]!.parent)
    world.call(other, 'MsgSendPulse', { coid: 1, code: 1, priority: 40 })
    expect(server.priority).toBe(15)
  })

  test('is raised by a pulse of a user to 63 at most, except with a priority that is lent to the sender', () => {
    const world = new World()
    const server = world.thread(world.spawn('server'))
    const sender = world.thread(world.spawn('sender', { uid: 1000 }))
    const { coid, chid } = world.connect(sender, server)
    const send = (priority?: number) =>
      world.call(sender, 'MsgSendPulse', { coid, code: 1, ...(priority !== undefined && { priority }) })
    expect([send(64), send(255), send(63)]).toEqual(['EPERM', 'EPERM', {}])
    expect(world.call(server, 'MsgSendPulse', { coid, code: 1, priority: 255 })).toBe('EBADF')
    const root = world.thread(world.spawn('root', { thread: { priority: 200 } }))
    world.call(sender, 'SyncMutexLock', { mutex: '/m' })
    world.call(root, 'SyncMutexLock', { mutex: '/m' })
    expect(send()).toEqual({})
    expect(world.call(server, 'MsgReceive', { chid })).toMatchObject({ rcvid: 0, priority: 200 })
  })

  test('passes the priority of waiting clients to each of its busy threads', () => {
    const { threads, senders, send, receive } = served({ servers: 2, clients: [10, 11, 30] })
    send(senders[0]!)
    send(senders[1]!)
    receive(threads[0]!)
    receive(threads[1]!)
    expect(priorities(...threads)).toEqual([11, 10])
    send(senders[2]!)
    expect(priorities(...threads)).toEqual([30, 30])
  })

  test('does not inherit priority through a channel with fixed priority', () => {
    const { server, senders, send, receive } = served({ fixedPriority: true, clients: [30, 40] })
    send(senders[0]!)
    receive(server)
    send(senders[1]!)
    expect(server.priority).toBe(15)
  })

  test('follows the inherited priority of its client, up and down', () => {
    const { world, server, senders, send, receive } = served({ clients: [10] })
    const [client] = senders as [ModelThread]
    const high = world.more(client.parent, { priority: 50 })
    world.call(client, 'SyncMutexLock', { mutex: 'm' })
    send(client)
    receive(server)
    world.call(high, 'TimerTimeout', { states: ['MUTEX'], after: 10 })
    world.call(high, 'SyncMutexLock', { mutex: 'm' })
    expect(priorities(client, server)).toEqual([50, 50])
    world.pass(10)
    expect(priorities(client, server)).toEqual([10, 10])
  })

  test('does not follow the client of an earlier message than the present one', () => {
    const { world, server, senders, send, receive } = served({ clients: [10, 20] })
    const [first, second] = senders as [ModelThread, ModelThread]
    const high = world.more(first.parent, { priority: 15 })
    world.call(first, 'SyncMutexLock', { mutex: 'm' })
    send(first)
    receive(server)
    send(second)
    receive(server)
    expect(server.priority).toBe(20)
    world.call(high, 'SyncMutexLock', { mutex: 'm' })
    expect(priorities(first, second, server)).toEqual([15, 20, 20])
  })

  test('in a loop with its client inherits no more than the priority of waiters outside the loop', () => {
    const { world, server, senders, send, receive } = served({ clients: [10] })
    const [client] = senders as [ModelThread]
    world.call(client, 'SyncMutexLock', { mutex: '/m' })
    world.call(server, 'SyncMutexLock', { mutex: '/n' })
    send(client)
    receive(server)
    world.call(server, 'SyncMutexLock', { mutex: '/m' })
    const high = world.more(client.parent, { priority: 50 })
    world.call(high, 'TimerTimeout', { states: ['MUTEX'], after: 10 })
    world.call(high, 'SyncMutexLock', { mutex: '/n' })
    expect(priorities(client, server)).toEqual([50, 50])
    world.pass(10)
    expect(priorities(client, server)).toEqual([10, 10])
  })

  test('passes inherited priority to the server for which it waits itself', () => {
    const { world, server, senders, send, receive } = served({ clients: [10, 35] })
    const last = world.thread(world.spawn('last', { thread: { priority: 3 } }))
    const { coid, chid } = world.connect(server, last)
    send(senders[0]!)
    receive(server)
    world.call(server, 'MsgSend', { coid })
    world.call(last, 'MsgReceive', { chid })
    expect(priorities(server, last)).toEqual([10, 10])
    send(senders[1]!)
    expect(priorities(server, last)).toEqual([35, 35])
  })

  test('returns to its own priority when its channel is destroyed', () => {
    const { world, server, senders, send, receive, chid } = served({ clients: [30] })
    send(senders[0]!)
    receive(server)
    world.call(server, 'ChannelDestroy', { chid })
    expect(server.priority).toBe(15)
  })
})

/** Tests messages and pulses of the model. */

import { describe, expect, test } from 'vitest'
import { returned, state, World } from '../world.ts'

/** A server with several threads, and connected clients in separate processes. */
function market({ servers = 1, clients = 1, priorities = [] as number[] } = {}) {
  const world = new World()
  const server = world.spawn('server')
  const receivers = [world.thread(server)]
  while (receivers.length < servers) receivers.push(world.more(server))
  const { chid } = world.call(receivers[0]!, 'ChannelCreate', {}) as { chid: number }
  const senders = Array.from({ length: clients }, (_, place) => {
    const thread = { priority: priorities[place] ?? 10 }
    const client = world.thread(world.spawn(`client-${place}`, { thread }))
    const { coid } = world.call(client, 'ConnectAttach', { pid: server.pid, chid }) as { coid: number }
    return Object.assign(client, { coid })
  })
  return { world, server, receivers, senders, chid }
}

describe('a message', () => {
  test('blocks its sender in SEND until it is received, then in REPLY until the reply', () => {
    const { world, receivers, senders, chid } = market()
    const [server, client] = [receivers[0]!, senders[0]!]
    expect(world.call(client, 'MsgSend', { coid: client.coid, msg: 'hello' })).toBe('SEND')
    expect(client.waitsOn).toEqual({ coid: 1, channel: '/sys/proc/1/channel/1', scoid: 1, server: '/sys/proc/1' })
    expect(world.call(server, 'MsgReceive', { chid })).toEqual({
      rcvid: 1,
      pid: 2,
      tid: 1,
      scoid: 1,
      priority: 10,
      msg: 'hello',
    })
    expect(state(client)).toBe('REPLY')
    expect(client.waitsOn).toMatchObject({ server: '/sys/proc/1', receiver: '/sys/proc/1/thread/1' })
    expect(world.call(server, 'MsgReply', { rcvid: 1, status: 7, msg: 'you too' })).toEqual({})
    expect(state(client)).toBe('READY')
    expect(returned(client)).toEqual({ status: 7, msg: 'you too' })
  })

  test('blocks its sender in REPLY at once if a receiver waits, and wakes that receiver', () => {
    const { world, receivers, senders, chid } = market()
    const [server, client] = [receivers[0]!, senders[0]!]
    expect(world.call(server, 'MsgReceive', { chid })).toBe('RECEIVE')
    expect(world.call(client, 'MsgSend', { coid: client.coid })).toBe('REPLY')
    expect(state(server)).toBe('READY')
    expect(returned(server)).toMatchObject({ rcvid: 1, pid: 2, msg: null })
  })

  test('goes to the receiver with the highest priority, and among equals to the one that waited longest', () => {
    const { world, server, receivers, senders, chid } = market({ servers: 3, clients: 3 })
    const high = world.more(server, { priority: 20 })
    for (const receiver of [...receivers, high]) world.call(receiver, 'MsgReceive', { chid })
    for (const client of senders) world.call(client, 'MsgSend', { coid: client.coid, msg: client.parent.name })
    expect(returned(high)).toMatchObject({ msg: 'client-0' })
    expect(receivers.map(returned)).toEqual([
      expect.objectContaining({ msg: 'client-1' }),
      expect.objectContaining({ msg: 'client-2' }),
      null,
    ])
  })

  test('is received in order of the sender’s priority, and among equals in order of sending', () => {
    const { world, receivers, senders, chid } = market({ clients: 4, priorities: [10, 12, 10, 12] })
    for (const client of senders) world.call(client, 'MsgSend', { coid: client.coid })
    const pids = senders.map(() => (world.call(receivers[0]!, 'MsgReceive', { chid }) as { pid: number }).pid)
    expect(pids).toEqual([3, 5, 2, 4])
  })

  test('can be answered by another thread than its receiver', () => {
    const { world, receivers, senders, chid } = market({ servers: 2 })
    const [one, other] = receivers as [(typeof receivers)[0], (typeof receivers)[0]]
    world.call(senders[0]!, 'MsgSend', { coid: 1 })
    world.call(one, 'MsgReceive', { chid })
    expect(world.call(other, 'MsgReply', { rcvid: 1, status: 3 })).toEqual({})
    expect(returned(senders[0]!)).toEqual({ status: 3, msg: null })
  })

  test('can be answered only once and only by its server', () => {
    const { world, receivers, senders, chid } = market({ clients: 2 })
    world.call(senders[0]!, 'MsgSend', { coid: 1 })
    world.call(receivers[0]!, 'MsgReceive', { chid })
    expect(world.call(senders[1]!, 'MsgReply', { rcvid: 1 })).toBe('ESRCH')
    world.call(receivers[0]!, 'MsgReply', { rcvid: 1 })
    expect(world.call(receivers[0]!, 'MsgReply', { rcvid: 1 })).toBe('ESRCH')
    expect(world.call(receivers[0]!, 'MsgError', { rcvid: 1, error: 'EPERM' })).toBe('ESRCH')
  })

  test('fails with the error that MsgError gives', () => {
    const { world, receivers, senders, chid } = market()
    world.call(senders[0]!, 'MsgSend', { coid: 1 })
    world.call(receivers[0]!, 'MsgReceive', { chid })
    world.call(receivers[0]!, 'MsgError', { rcvid: 1, error: 'EACCES' })
    expect(returned(senders[0]!)).toBe('EACCES')
  })

  test('cannot be answered after its client has ended, and its rcvid is not used again', () => {
    const { world, receivers, senders, chid } = market({ clients: 2 })
    world.call(senders[0]!, 'MsgSend', { coid: 1 })
    world.call(receivers[0]!, 'MsgReceive', { chid })
    world.call(world.thread(world.spawn('killer')), 'kill', { pid: 2, signal: 'SIGKILL' })
    expect(world.call(receivers[0]!, 'MsgReply', { rcvid: 1 })).toBe('ESRCH')
    world.call(senders[1]!, 'MsgSend', { coid: 1 })
    expect(world.call(receivers[0]!, 'MsgReceive', { chid })).toMatchObject({ rcvid: 2, pid: 3 })
  })

  test('gets no late reply after its client gave up, and neither does another message', () => {
    const { world, receivers, senders, chid } = market({ servers: 2, clients: 2 })
    const [one, other] = receivers as [(typeof receivers)[0], (typeof receivers)[0]]
    world.call(senders[0]!, 'TimerTimeout', { states: ['REPLY'], after: 10 })
    world.call(senders[0]!, 'MsgSend', { coid: 1 })
    expect(world.call(one, 'MsgReceive', { chid })).toMatchObject({ rcvid: 1, pid: 2 })
    world.pass(10)
    world.call(senders[1]!, 'MsgSend', { coid: 1 })
    expect(world.call(other, 'MsgReceive', { chid })).toMatchObject({ rcvid: 2, pid: 3 })
    expect(world.call(one, 'MsgReply', { rcvid: 1, msg: 'for the first' })).toBe('ESRCH')
    expect(state(senders[1]!)).toBe('REPLY')
  })

  test('needs a connection, and receiving needs a channel of the process', () => {
    const { world, senders } = market()
    expect(world.call(senders[0]!, 'MsgSend', { coid: 9 })).toBe('EBADF')
    expect(world.call(senders[0]!, 'MsgSendPulse', { coid: 9, code: 1 })).toBe('EBADF')
    expect(world.call(senders[0]!, 'MsgReceive', { chid: 1 })).toBe('ESRCH')
  })

  test('to a channel of the same process waits like any other', () => {
    const { world, receivers, chid } = market({ servers: 2 })
    const { coid } = world.call(receivers[0]!, 'ConnectAttach', { pid: 0, chid }) as { coid: number }
    expect(world.call(receivers[0]!, 'MsgSend', { coid })).toBe('SEND')
    expect(world.call(receivers[1]!, 'MsgReceive', { chid })).toMatchObject({ pid: 1, tid: 1 })
  })
})

describe('a pulse', () => {
  test('is received at once by a waiting thread, and never blocks its sender', () => {
    const { world, receivers, senders, chid } = market()
    world.call(receivers[0]!, 'MsgReceive', { chid })
    expect(world.call(senders[0]!, 'MsgSendPulse', { coid: 1, code: 5, value: 6 })).toEqual({})
    expect(returned(receivers[0]!)).toEqual({ rcvid: 0, code: 5, value: 6, scoid: 1, priority: 10, count: 1 })
    expect(world.usage(world.kernel.system, 'signals')).toBe(0)
  })

  test('waits in one queue with messages, in order of priority and then of sending', () => {
    const { world, receivers, senders, chid } = market({ clients: 3 })
    const [one, two, three] = senders as [(typeof senders)[0], (typeof senders)[0], (typeof senders)[0]]
    world.call(one, 'MsgSendPulse', { coid: 1, code: 1 })
    world.call(two, 'MsgSend', { coid: 1, msg: 'message' })
    world.call(one, 'MsgSendPulse', { coid: 1, code: 2 })
    world.call(one, 'MsgSendPulse', { coid: 1, code: 3, priority: 30 })
    world.call(one, 'MsgSendPulse', { coid: 1, code: 4, priority: 5 })
    const received = Array.from({ length: 5 }, () => world.call(receivers[0]!, 'MsgReceive', { chid })) as {
      code?: number
      msg?: string
    }[]
    expect(received.map(({ code, msg }) => code ?? msg)).toEqual([3, 1, 'message', 2, 4])
    expect(world.call(three, 'MsgSend', { coid: 1 })).toBe('SEND')
  })

  test('equal to a pending one is counted there and takes no entry', () => {
    const { world, server, receivers, senders, chid } = market({ clients: 2 })
    for (let times = 0; times < 3; times++) world.call(senders[0]!, 'MsgSendPulse', { coid: 1, code: 1, value: 2 })
    world.call(senders[0]!, 'MsgSendPulse', { coid: 1, code: 1, value: 3 })
    world.call(senders[1]!, 'MsgSendPulse', { coid: 1, code: 1, value: 2 })
    expect(world.usage(server, 'signals')).toBe(3)
    expect(world.call(receivers[0]!, 'MsgReceive', { chid })).toMatchObject({ value: 2, scoid: 1, count: 3 })
    expect(world.usage(server, 'signals')).toBe(2)
  })

  test('is refused with EAGAIN if the pool of a container of the receiver is full', () => {
    const { world, server, receivers, senders, chid } = market()
    world.machine.putPartition(['small'], { signals: 1 })
    world.machine.move(server, world.kernel.partition(['small'])!)
    expect(world.call(senders[0]!, 'MsgSendPulse', { coid: 1, code: 1 })).toEqual({})
    expect(world.call(senders[0]!, 'MsgSendPulse', { coid: 1, code: 2 })).toBe('EAGAIN')
    expect(world.call(senders[0]!, 'MsgSendPulse', { coid: 1, code: 1 })).toEqual({})
    world.call(receivers[0]!, 'MsgReceive', { chid })
    expect(world.call(senders[0]!, 'MsgSendPulse', { coid: 1, code: 2 })).toEqual({})
  })
})

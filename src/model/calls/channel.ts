/** Implements the calls which create and remove channels of servers, and the connections of clients to them. */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import { Channel, Connection, ServerConnection } from '../objects/channel.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { charge, needRoom } from './charging.ts'
import { endService } from './priority.ts'
import { wake } from './state-changes.ts'

/**
 * ChannelCreate: creates a channel, which belongs to the caller's process. Does not block. QNX: ChannelCreate().
 * @param fixedPriority threads that receive here stay at their own priority (_NTO_CHF_FIXED_PRIORITY)
 * @returns chid, the lowest that is free
 * @throws EAGAIN no room for a channel
 */
export function channelCreate(
  machine: MachineCore,
  { parent }: ModelThread,
  { fixedPriority = false }: { fixedPriority?: boolean },
): Progress {
  needRoom(machine, { limit: 'channels', node: parent, delta: 1 })
  const channel = new Channel({ chid: parent.ids.chid.take(), owner: parent, fixedPriority })
  parent.channels.set(channel.chid, channel)
  charge(machine, parent, 'channels', 1)
  return { chid: channel.chid }
}

/** @throws KernelError ESRCH when the process has no such channel */
export function channelOf(process: ModelProcess, chid: number): Channel {
  const channel = process.channels.get(chid)
  if (channel === undefined) throw new KernelError('ESRCH', `process ${process.pid} has no channel ${chid}`)
  return channel
}

/**
 * ChannelDestroy: removes a channel of the caller's process. Threads that are SEND-, REPLY- or RECEIVE-blocked on it
 * return ESRCH. Connections to it remain until they are detached, but calls on them fail. Does not block. QNX:
 * ChannelDestroy().
 * @param chid of the channel
 * @throws EINVAL the process has no such channel
 */
export function channelDestroy(machine: MachineCore, { parent }: ModelThread, { chid }: { chid: number }): Progress {
  const channel = parent.channels.get(chid)
  if (channel === undefined) throw new KernelError('EINVAL', `process ${parent.pid} has no channel ${chid}`)
  destroyChannel(machine, channel)
  return success
}

export function destroyChannel(machine: MachineCore, channel: Channel): void {
  const { owner, chid } = channel
  channel.destroyed = true
  owner.channels.delete(chid)
  owner.ids.chid.giveBack(chid)
  charge(machine, owner, 'channels', -1)
  if (channel.pulses.length > 0) charge(machine, owner, 'signals', -channel.pulses.length)
  channel.pulses.length = 0
  // Copies, because each wake may change the order of the threads which still wait.
  const received = [...owner.received.values()].filter(({ connection }) => connection.channel === channel)
  const blocked = [...channel.senders, ...received.map(({ client }) => client), ...channel.receivers]
  for (const thread of blocked) wake(machine, thread, { errno: 'ESRCH' })
  for (const thread of [...channel.lastReceivers]) endService(thread)
  for (const server of channel.servers.values()) freeServer(machine, server)
  channel.servers.clear()
}

function freeServer(machine: MachineCore, { channel, scoid }: ServerConnection): void {
  channel.owner.ids.scoid.giveBack(scoid)
  charge(machine, channel.owner, 'server-ids', -1)
}

/**
 * ConnectAttach: connects the caller's process to a channel. All connections of one process to one channel share one
 * server connection. Does not block. QNX: ConnectAttach().
 * @param pid of the server; 0 is the caller's own process
 * @param chid of its channel
 * @returns coid, the lowest that is free, and the scoid that the server sees
 * @throws ESRCH no such process or channel; EAGAIN no room for a connection, or for a server id at the server
 */
export function connectAttach(
  machine: MachineCore,
  { parent }: ModelThread,
  { pid, chid }: { pid: number; chid: number },
): Progress {
  const channel = channelOf(pid === 0 ? parent : machine.processes.get(pid), chid)
  const known = channel.servers.get(parent)
  needRoom(
    machine,
    { limit: 'connections', node: parent, delta: 1 },
    { limit: 'server-ids', node: channel.owner, delta: known === undefined ? 1 : 0 },
  )
  const server = known ?? addServer(machine, channel, parent)
  const connection = new Connection({ coid: parent.ids.coid.take(), client: parent, server })
  parent.connections.set(connection.coid, connection)
  server.connections++
  charge(machine, parent, 'connections', 1)
  return { coid: connection.coid, scoid: server.scoid }
}

function addServer(machine: MachineCore, channel: Channel, client: ModelProcess): ServerConnection {
  const server = new ServerConnection({ scoid: channel.owner.ids.scoid.take(), channel, client })
  channel.servers.set(client, server)
  charge(machine, channel.owner, 'server-ids', 1)
  return server
}

/** @throws KernelError EBADF when the process has no such connection */
export function connectionOf(process: ModelProcess, coid: number): Connection {
  const connection = process.connections.get(coid)
  if (connection === undefined) throw new KernelError('EBADF', `process ${process.pid} has no connection ${coid}`)
  return connection
}

/** @throws KernelError EBADF when the channel of the connection was destroyed */
export function usable(connection: Connection): Connection {
  if (connection.channel.destroyed)
    throw new KernelError('EBADF', `the channel of connection ${connection.coid} was destroyed; detach it`)
  return connection
}

/**
 * ConnectDetach: ends a connection. Threads that are SEND- or REPLY-blocked on it return EBADF. Does not block. QNX:
 * ConnectDetach().
 * @param coid of the connection
 * @throws EINVAL the process has no such connection
 */
export function connectDetach(machine: MachineCore, { parent }: ModelThread, { coid }: { coid: number }): Progress {
  const connection = parent.connections.get(coid)
  if (connection === undefined) throw new KernelError('EINVAL', `process ${parent.pid} has no connection ${coid}`)
  detach(machine, connection)
  return success
}

export function detach(machine: MachineCore, connection: Connection): void {
  const { client, server, coid, channel } = connection
  connection.detached = true
  client.connections.delete(coid)
  client.ids.coid.giveBack(coid)
  charge(machine, client, 'connections', -1)
  for (const thread of blockedOn(connection)) wake(machine, thread, { errno: 'EBADF' })
  server.connections--
  if (server.connections > 0 || channel.destroyed) return
  channel.servers.delete(client)
  freeServer(machine, server)
}

function blockedOn(connection: Connection): ModelThread[] {
  const isOn = ({ blocker }: ModelThread) =>
    (blocker?.state === 'SEND' || blocker?.state === 'REPLY') && blocker.message.connection === connection
  const { senders, owner } = connection.channel
  return [...senders, ...[...owner.received.values()].map(({ client }) => client)].filter(isOn)
}

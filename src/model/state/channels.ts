/** Saves and restores channels and connections. Threads which wait at a channel are saved with the threads. */

import { Channel, Connection, type Pulse, ServerConnection } from '../objects/channel.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import { type ChannelRef, type References, type Referents, there } from './references.ts'

export interface ChannelState {
  readonly chid: number
  readonly fixedPriority: boolean
  readonly pulses: readonly Pulse[]
  readonly servers: readonly { readonly client: number; readonly scoid: number }[]
  /** tids. */
  readonly lastReceivers: readonly number[]
}

export interface ConnectionState {
  readonly coid: number
  readonly channel: ChannelRef
  readonly scoid: number
}

export function exportChannels({ channels }: ModelProcess): ChannelState[] {
  return [...channels.values()].map(({ chid, fixedPriority, pulses, servers, lastReceivers }) => ({
    chid,
    fixedPriority,
    pulses: pulses.map((pulse) => ({ ...pulse })),
    servers: [...servers.values()].map(({ client, scoid }) => ({ client: client.pid, scoid })),
    lastReceivers: [...lastReceivers].map(({ tid }) => tid),
  }))
}

export function importChannels(owner: ModelProcess, states: readonly ChannelState[], referents: Referents): void {
  for (const { chid, fixedPriority, pulses, servers, lastReceivers } of states) {
    const channel = new Channel({ chid, owner, fixedPriority })
    owner.channels.set(chid, channel)
    channel.pulses.push(...pulses.map((pulse) => ({ ...pulse })))
    for (const { client: pid, scoid } of servers) {
      const client = referents.process(pid)
      channel.servers.set(client, new ServerConnection({ scoid, channel, client }))
    }
    for (const tid of lastReceivers) {
      const receiver = there(owner.threads.get(tid))
      channel.lastReceivers.add(receiver)
      receiver.receivedOn = channel
    }
  }
}

export function exportConnections({ connections }: ModelProcess, references: References): ConnectionState[] {
  return [...connections.values()].map(({ coid, channel, server }) => ({
    coid,
    channel: references.channel(channel),
    scoid: server.scoid,
  }))
}

/** Preconditions: all channels are restored. */
export function importConnections(
  client: ModelProcess,
  states: readonly ConnectionState[],
  referents: Referents,
): void {
  // A destroyed channel has no list of servers, but connections of one process to it still share one entry.
  const orphaned = new Map<Channel, ServerConnection>()
  for (const { coid, channel: ref, scoid } of states) {
    const channel = referents.channel(ref)
    const known = channel.destroyed ? orphaned.get(channel) : channel.servers.get(client)
    const server = known ?? new ServerConnection({ scoid, channel, client })
    if (channel.destroyed) orphaned.set(channel, server)
    server.connections++
    client.connections.set(coid, new Connection({ coid, client, server }))
  }
}

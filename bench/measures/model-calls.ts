/**
 * Measures MsgSend, MsgReceive and MsgReply between one client and one server while many other threads exist.
 */

import { Kernel } from '../../src/kernel/kernel.ts'
import { modelAbilities } from '../../src/model/abilities.ts'
import { Machine } from '../../src/model/machine.ts'
import type { ModelProcess } from '../../src/model/objects/model-process.ts'
import { type Figures, type Measure, median, timed } from '../measure.ts'

const trips = 50_000
const callsOfTrip = 3
const rounds = 9

interface Market {
  readonly machine: Machine
  readonly client: ModelProcess
  readonly server: ModelProcess
  /** The rcvid of the next message. The model assigns them in order from 1 and never reuses one. */
  rcvid: number
}

/** Number of threads of the server. One of them serves, and the others are READY. */
function market(threads: number): Market {
  const kernel = new Kernel({ abilities: modelAbilities, firstRevision: 1, now: 0 })
  const machine = new Machine(kernel)
  const [client, server] = [machine.create({ name: 'client' }), machine.create({ name: 'server' })]
  while (server.threads.size < threads - 1) machine.createThread(server, { detached: true })
  machine.call(server.pid, 1, { name: 'ChannelCreate', args: {} })
  machine.call(client.pid, 1, { name: 'ConnectAttach', args: { pid: server.pid, chid: 1 } })
  machine.call(server.pid, 1, { name: 'MsgReceive', args: { chid: 1 } })
  return { machine, client, server, rcvid: 1 }
}

/** One round trip. The server waits in RECEIVE before and after it. */
function trip(market: Market): void {
  const { machine, client, server } = market
  machine.call(client.pid, 1, { name: 'MsgSend', args: { coid: 1 } })
  machine.call(server.pid, 1, { name: 'MsgReply', args: { rcvid: market.rcvid++ } })
  machine.call(server.pid, 1, { name: 'MsgReceive', args: { chid: 1 } })
}

async function run(threads: number): Promise<Figures> {
  // The machine with few threads runs first and alone: many threads in the same process would slow it down.
  const reference = each(market(2))
  return { ours: each(market(threads)), reference, unit: 'µs' }
}

/** Median of many rounds in µs per call. */
function each(one: Market): number {
  const rounded = Array.from({ length: rounds }, () =>
    timed(() => {
      for (let count = 0; count < trips; count++) trip(one)
    }),
  )
  return (median(rounded) * 1e3) / (trips * callsOfTrip)
}

const measure = (name: string, threads: number): Measure => ({
  name,
  what: `a kernel call of a message’s round trip, among ${threads.toLocaleString('en')} threads; among 2`,
  target: null,
  run: () => run(threads),
})

export const modelCalls = measure('model-calls', 1_000)
export const modelCallsMillion = measure('model-calls-million', 1_000_000)

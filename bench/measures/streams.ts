/**
 * Measures the delay and the cost of sending the model's threshold events to many WebSocket clients over real sockets.
 * The clients run in a separate process.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { Service } from '../../test/support/service.ts'
import { interleave, type Measure, percentile } from '../measure.ts'

const program = new URL('../programs/stream-clients.ts', import.meta.url)

/** Every client here has the same address, so the limit per address must be high. */
const unlimited = { connectionsPerAddress: 0, requestsPerSecond: 0, streamsPerClient: 0 }

const nowUs = (): string => String(process.hrtime.bigint() / 1000n)

class Clients {
  readonly #process: ChildProcess

  private constructor(process: ChildProcess) {
    this.#process = process
  }

  static async start(port: number, count: number, sleepers = 0): Promise<Clients> {
    const child = fork(program, [String(port), String(count), '/sys?types=threshold.tripped', String(sleepers)])
    await once(child, 'message')
    return new Clients(child)
  }

  /** Resolves with the delays in ms of a sample, when the given number of events has arrived. */
  async collect(events: number, send: () => Promise<void>): Promise<number[]> {
    this.#process.send({ events, sampleEvery: Math.max(1, Math.floor(events / 20_000)) })
    await once(this.#process, 'message')
    const all = once(this.#process, 'message') as Promise<[{ delays: number[] }]>
    await send()
    return (await all)[0].delays
  }

  async stop(): Promise<void> {
    this.#process.disconnect()
    await once(this.#process, 'exit')
  }
}

/** Sets a threshold that trips at once. Its note has the time. */
class Trips {
  readonly #service: Service
  #count = 0

  constructor(service: Service) {
    this.#service = service
    service.bench.observe(service.bench.process(42), 'fds', 120)
  }

  trip(padding = ''): void {
    const { bench } = this.#service
    bench.put(bench.kernel.system, 'fds', `t${this.#count++ % 100}`, { at: 100, note: `${nowUs()} ${padding}` })
  }
}

/** Emits events at a given rate for a given time, in steps as small as timers allow. */
async function paced(perSecond: number, seconds: number, each: () => void): Promise<void> {
  const begun = performance.now()
  for (let sent = 0; sent < perSecond * seconds; ) {
    const due = ((performance.now() - begun) * perSecond) / 1000
    for (; sent < Math.min(due, perSecond * seconds); sent++) each()
    await delay(1)
  }
}

const tripTo = (clients: number, events: number, everyMs: number): Measure => ({
  name: `streams-trip-${clients}`,
  what: `streams: a trip in the model → each of ${clients} WebSocket clients has the event, one every ${everyMs} ms, 99th percentile; 5 ms`,
  target: clients === 1 ? { text: 'p99 ≤ 5 ms', met: ({ ours, reference }) => ours <= reference } : null,
  run: async () => {
    const service = await new Service({ limits: unlimited }).start()
    const trips = new Trips(service)
    const there = await Clients.start(service.port, clients)
    const send = async () => {
      for (let sent = 0; sent < events; sent++) {
        trips.trip()
        await delay(everyMs)
      }
    }
    await there.collect(events * clients, send)
    const delays = await there.collect(events * clients, send)
    await there.stop()
    await service.stop()
    return { ours: percentile(delays, 0.99), reference: 5, unit: 'ms' }
  },
})

const rate = 500
const seconds = 5

const loaded: Measure = {
  name: 'streams-load',
  what: `streams: 1,000 clients, ${rate} trips a second: the delay, 99th percentile; 50 ms`,
  target: { text: 'p99 ≤ 50 ms', met: ({ ours, reference }) => ours <= reference },
  run: async () => {
    const { p99 } = await load()
    return { ours: p99, reference: 50, unit: 'ms' }
  },
}

const loadedCpu: Measure = {
  name: 'streams-load-cpu',
  what: 'streams: CPU of the service for the same, in percent of a core; 55, as in an experiment',
  target: null,
  run: async () => {
    const { cpuPercent } = await load()
    return { ours: cpuPercent, reference: 55, unit: '%' }
  },
}

async function load(): Promise<{ p99: number; cpuPercent: number }> {
  const service = await new Service({ limits: unlimited }).start()
  const trips = new Trips(service)
  const clients = await Clients.start(service.port, 1_000)
  await clients.collect(rate * 1_000, () => paced(rate, 1, () => trips.trip()))
  const send = () => paced(rate, seconds, () => trips.trip())
  const before = process.cpuUsage()
  const begun = performance.now()
  const delays = await clients.collect(rate * seconds * 1_000, send)
  const { user, system } = process.cpuUsage(before)
  const cpuPercent = (user + system) / 10 / (performance.now() - begun)
  await clients.stop()
  await service.stop()
  return { p99: percentile(delays, 0.99), cpuPercent }
}

/** Large enough that the sockets of clients that never read are full long before the end. */
const padding = 'x'.repeat(900)

const sleeping: Measure = {
  name: 'streams-sleepers',
  what: 'streams: the delay at 900 clients beside 100 that never read, 100 large trips a second, 99th percentile; without those 100',
  target: { text: '≤ twice', met: ({ ours, reference }) => ours <= 2 * reference },
  run: async () => {
    const beside = async (sleepers: number): Promise<number> => {
      const service = await new Service({ limits: unlimited }).start()
      const trips = new Trips(service)
      const clients = await Clients.start(service.port, 900, sleepers)
      const total = 100 * 40
      const delays = await clients.collect(900 * total, () => paced(100, 40, () => trips.trip(padding)))
      if (sleepers > 0 && service.app.hub.parked < sleepers) throw new Error('those that never read are not parked')
      await clients.stop()
      await service.stop()
      return percentile(delays, 0.99)
    }
    return { ...(await interleave(1, { ours: () => beside(100), reference: () => beside(0) })), unit: 'ms' }
  },
}

const perBurst = 10

const fanOutTo = (count: number, bursts: number, rounds: number): Measure => ({
  name: `streams-fan-out-${count}`,
  what: `streams: CPU of one event to one of ${count} clients, ten at a time; JSON.stringify and WebSocket.send for each`,
  target: { text: '≥ 5 times less', met: ({ ours, reference }) => reference / ours >= 5 },
  run: async () => {
    const service = await new Service({ limits: unlimited }).start()
    const trips = new Trips(service)
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const event = await eventLike(service)
    const each = (cpu: NodeJS.CpuUsage) => ((cpu.user + cpu.system) * 1000) / (count * bursts * perBurst)
    // One kind of clients after the other: there are not enough descriptors for twice ten thousand.
    const measured = async (place: number, burst: () => void): Promise<number> => {
      const clients = await Clients.start(place, count)
      let cpu = process.cpuUsage()
      const begin = async () => {
        cpu = process.cpuUsage()
        for (let sent = 0; sent < bursts; sent++) {
          burst()
          // Sends the next when every queued byte has been passed to the kernel.
          await delay(20)
        }
      }
      await clients.collect(count * bursts * perBurst, begin)
      const took = each(process.cpuUsage(cpu))
      await clients.stop()
      return took
    }
    const figures = await interleave(rounds, {
      ours: () =>
        measured(service.port, () => {
          for (let sent = 0; sent < perBurst; sent++) trips.trip()
        }),
      reference: () =>
        measured(port, () => {
          for (let sent = 0; sent < perBurst; sent++) {
            const one = { ...event, data: { ...(event.data as object), note: `${nowUs()} ` } }
            for (const client of server.clients) client.send(JSON.stringify(one))
          }
        }),
    })
    server.close()
    await service.stop()
    return { ...figures, unit: 'ns' }
  },
})

/** Returns an event as the service sends it, for the reference server to send. */
async function eventLike(service: Service): Promise<Record<string, unknown>> {
  const { body } = await service.get('/events?types=threshold.tripped&limit=1')
  const [event] = (body as { events: Record<string, unknown>[] }).events
  if (event !== undefined) return event
  const { bench } = service
  bench.put(bench.kernel.system, 'fds', 'one', { at: 100, note: `${nowUs()} ` })
  return eventLike(service)
}

export const streams: readonly Measure[] = [
  tripTo(1, 500, 5),
  tripTo(100, 200, 10),
  tripTo(1_000, 100, 50),
  tripTo(10_000, 20, 500),
  loaded,
  loadedCpu,
  sleeping,
  fanOutTo(1_000, 20, 5),
  fanOutTo(10_000, 4, 3),
]

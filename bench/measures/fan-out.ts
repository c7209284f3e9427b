/**
 * Measures the CPU time of one event for 1,000 subscriptions: encoded once and passed on, compared with encoding it for
 * each.
 */

import type { KernelEvent } from '../../src/kernel/events.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { modelAbilities } from '../../src/model/abilities.ts'
import { parsePathFilter } from '../../src/tree/path-filter.ts'
import { memoryHub } from '../../test/support/memory-hub.ts'
import { interleave, type Measure, timed } from '../measure.ts'

const clients = 1_000
const events = 200
const rounds = 9

const eventOf = (pid: number): KernelEvent => ({
  type: 'threshold.tripped',
  at: 1_700_000_000_000,
  subject: `/sys/proc/${pid}/fds`,
  about: ['/sys/fds/threshold/each', '/sys/part/web'],
  data: {
    threshold: '/sys/fds/threshold/each',
    limit: 'fds',
    value: 120,
    at: 100,
    rearm: 90,
    direction: 'rising',
    capacity: null,
    peak: 120,
    identity: `x-${pid}-1`,
    period: null,
    top: [],
    note: null,
    initial: false,
  },
})

export const fanOut: Measure = {
  name: 'fan-out',
  what: `an event to ${clients} subscriptions, without the sockets; JSON.stringify for each`,
  target: { text: '≥ 5 times less', met: ({ ours, reference }) => reference / ours >= 5 },
  run: async () => {
    let bytes = 0
    const { log, hub } = memoryHub(1_000)
    const sink = {
      queuedBytes: 0,
      event: ({ json }: { json: Buffer }) => {
        bytes += json.length
      },
      node: () => {},
      snapshotEnded: () => {},
      whenDrained: () => {},
      close: () => {},
    }
    const kernel = new Kernel({ abilities: modelAbilities, firstRevision: 1, now: 0 })
    const subscription = {
      filter: parsePathFilter(kernel, '/sys'),
      types: null,
      after: null,
      durable: null,
      snapshot: null,
    }
    const subscriptions = Array.from({ length: clients }, () => hub.subscribe(sink, subscription, { kind: 'live' }))
    const figures = await interleave(rounds, {
      ours: () =>
        timed(() => {
          for (let pid = 0; pid < events; pid++) log.append(eventOf(pid))
        }),
      reference: () =>
        timed(() => {
          for (let pid = 0; pid < events; pid++) {
            const event = eventOf(pid)
            for (let client = 0; client < clients; client++) bytes += Buffer.from(JSON.stringify(event)).length
          }
        }),
    })
    for (const subscription of subscriptions) hub.unsubscribe(subscription)
    if (bytes === 0) throw new Error('nothing was sent')
    const each = 1e6 / (events * clients)
    return { ours: figures.ours * each, reference: figures.reference * each, unit: 'ns' }
  },
}

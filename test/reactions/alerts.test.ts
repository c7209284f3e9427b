/** Tests the alerts that are sent to Alertmanager, and which of them are open. */

import { afterEach, expect, test } from 'vitest'
import { Alertmanager } from '../../src/reactions/alertmanager.ts'
import type { Alert, SentAlert } from '../../src/reactions/alerts.ts'
import { type DeliveredEvent, deletedEvents } from '../../src/reactions/delivered-event.ts'
import type { SentBody } from '../../src/reactions/http-sender.ts'
import { openConditions } from '../../src/reactions/open-conditions.ts'
import type { Outcome } from '../../src/reactions/pump.ts'
import { Bench } from '../kernel/support.ts'

const { signal } = new AbortController()
const begin = Date.parse('2026-11-22T10:00:00.000Z')
const minute = 60_000

class Receiver {
  readonly sent: SentAlert[][] = []
  readonly persisted = new Map<string, Alert>()
  outcome: Outcome = { kind: 'done' }
  now = begin
  conditions = new Set<string>()
  alertmanager = this.start()

  start(): Alertmanager {
    const sender = {
      send: async ({ body }: SentBody) => {
        this.sent.push(JSON.parse(body) as SentAlert[])
        return this.outcome
      },
    }
    const persist = (key: string, alert: Alert | null) => {
      if (alert === null) this.persisted.delete(key)
      else this.persisted.set(key, alert)
    }
    const open = new Map(this.persisted)
    return new Alertmanager({ sender, open, persist, conditions: () => this.conditions, now: () => this.now })
  }

  deliver(...events: DeliveredEvent[]): Promise<Outcome> {
    return this.alertmanager.deliver({ events, attempt: 1, signal })
  }

  take(): SentAlert[] {
    return this.sent.splice(0).flat()
  }
}

let receiver: Receiver
afterEach(() => receiver.alertmanager.stop())

function event(type: string, subject: string, data: object = {}, time = begin): DeliveredEvent {
  const json = { id: '1', source: '/net/alpha', type, subject, time: new Date(time).toISOString(), data }
  return { sequence: 1, type, json: Buffer.from(JSON.stringify(json)) }
}

const threshold = '/sys/fds/threshold/hog'
const tripped = (pid: number) =>
  event('threshold.tripped', `/sys/proc/${pid}/fds`, {
    threshold,
    limit: 'fds',
    name: 'httpd',
    note: 'page 7',
    value: 5,
  })
const cleared = (pid: number, time = begin + minute) =>
  event('threshold.cleared', `/sys/proc/${pid}/fds`, { threshold, limit: 'fds', reason: 'rearmed' }, time)

test('an alert has the same labels from its begin to its end, and startsAt and endsAt of the two events', async () => {
  receiver = new Receiver()
  await receiver.deliver(tripped(1))
  const [open] = receiver.take()
  expect(open).toMatchObject({
    labels: {
      alertname: 'IntrospectdThreshold',
      severity: 'warning',
      instance: 'alpha',
      event: 'threshold.tripped',
      subject: '/sys/proc/1/fds',
      threshold,
      limit: 'fds',
      program: 'httpd',
    },
    annotations: { note: 'page 7' },
    startsAt: '2026-11-22T10:00:00.000Z',
    endsAt: '2026-11-22T10:04:00.000Z',
  })
  receiver.now += 10 * minute
  await receiver.deliver(cleared(1))
  expect(receiver.take()).toEqual([{ ...open, endsAt: '2026-11-22T10:01:00.000Z' }])
  expect(receiver.persisted.size).toBe(0)
})

test('an end without a begin sends nothing, and each node has an alert of its own', async () => {
  receiver = new Receiver()
  await receiver.deliver(cleared(1))
  expect(receiver.take()).toEqual([])
  await receiver.deliver(tripped(1), tripped(2), cleared(1))
  expect(receiver.take()).toHaveLength(3)
  expect([...receiver.persisted.keys()]).toEqual([`threshold /sys/proc/2/fds ${threshold}`])
})

test('open alerts are sent again, also after a restart, and closed ones are not', async () => {
  receiver = new Receiver()
  await receiver.deliver(tripped(1), tripped(2), cleared(1))
  await receiver.alertmanager.stop()
  receiver.take()
  receiver.now += 30 * minute
  receiver.alertmanager = receiver.start()
  await receiver.deliver(event('events.lost', '/sys'))
  const [again, moment] = receiver.take()
  expect(again).toMatchObject({ labels: { subject: '/sys/proc/2/fds' }, endsAt: '2026-11-22T10:34:00.000Z' })
  expect(moment).toMatchObject({
    labels: { alertname: 'IntrospectdEvent', severity: 'critical', event: 'events.lost' },
  })
  expect(receiver.persisted.size).toBe(1)
})

test('a failed delivery changes nothing, and dead letters change the open alerts all the same', async () => {
  receiver = new Receiver()
  receiver.outcome = { kind: 'failed', reason: 'HTTP 500' }
  expect(await receiver.deliver(tripped(1))).toMatchObject({ kind: 'failed' })
  expect(receiver.alertmanager.size).toBe(0)
  receiver.alertmanager.giveUp([tripped(1)])
  expect(receiver.alertmanager.size).toBe(1)
  receiver.alertmanager.giveUp([cleared(1)])
  expect(receiver.alertmanager.size).toBe(0)
})

test('when events were deleted, alerts whose conditions hold no more are resolved', async () => {
  receiver = new Receiver()
  await receiver.deliver(tripped(1), tripped(2))
  receiver.take()
  receiver.conditions.add(`threshold /sys/proc/2/fds ${threshold}`)
  await receiver.deliver(deletedEvents({ source: '/net/alpha', after: 1, cursor: 9, now: begin }))
  expect(receiver.take()).toMatchObject([
    { labels: { event: 'events.lost' } },
    { labels: { subject: '/sys/proc/1/fds' }, endsAt: '2026-11-22T10:00:00.000Z' },
  ])
  expect(receiver.alertmanager.size).toBe(1)
})

test('an end is neither before the begin nor in the future', async () => {
  receiver = new Receiver()
  await receiver.deliver(tripped(1), tripped(2))
  receiver.take()
  await receiver.deliver(cleared(1, begin + 60 * minute), cleared(2, begin - minute))
  expect(receiver.take().map(({ endsAt }) => Date.parse(endsAt))).toEqual([begin, begin])
})

test('the conditions of the kernel have the keys of their alerts', async () => {
  receiver = new Receiver()
  const bench = new Bench()
  const process = bench.process(1)
  bench.observe(process, 'fds', 9)
  bench.at(() => bench.put(bench.kernel.system, 'fds', 'hog', { at: 5, per: 'process' }))
  const [event_] = bench.events.filter(({ type }) => type === 'threshold.tripped')
  await receiver.deliver(event('threshold.tripped', event_!.subject, event_!.data))
  await receiver.deliver(event('source.degraded', '/sys', { what: 'journal', reason: 'full' }))
  const present = openConditions(bench.kernel, ['journal'])
  for (const key of receiver.persisted.keys()) expect([...present]).toContain(key)
  expect(receiver.persisted.size).toBe(2)
})

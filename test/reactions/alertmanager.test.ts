/** Tests alerts against a real Alertmanager: they begin and end with their events, also over kills of both sides. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { registerStarted } from '../support/started.ts'
import { until } from '../support/until.ts'

interface ShownAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly status: { readonly state: string }
}

let directory: string
let port = 0
let service: Live | null = null
let alertmanager: ChildProcess | null = null

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-alerts-'))
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  port = (server.address() as { port: number }).port
  await new Promise((resolve) => server.close(resolve))
})

afterEach(async () => {
  await service?.stop('SIGKILL')
  alertmanager?.kill('SIGKILL')
  rmSync(directory, { recursive: true })
})

function startAlertmanager(): void {
  const config = join(directory, 'alertmanager.yml')
  writeFileSync(config, 'route: { receiver: none }\nreceivers: [{ name: none }]\n')
  const storage = `--storage.path=${join(directory, 'alertmanager')}`
  const words = [
    `--config.file=${config}`,
    storage,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ]
  alertmanager = spawn('prometheus-alertmanager', words, { stdio: 'ignore' })
  registerStarted(alertmanager)
}

/** The alerts that Alertmanager shows as active; null before it listens. */
async function alerts(): Promise<ShownAlert[] | null> {
  // Answers to `fetch` are checked as those of the service.
  const request = get(`http://127.0.0.1:${port}/api/v2/alerts`)
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return JSON.parse(await text(response)) as ShownAlert[]
  } catch {
    return null
  }
}

const untilAlerts = async (count: number) => (await until(alerts, (all) => all?.length === count))!

test('an alert begins with threshold.tripped, survives kills of both sides, and ends with threshold.cleared', async () => {
  startAlertmanager()
  const config = join(directory, 'introspectd.yaml')
  const webhook = { name: 'am', url: `http://127.0.0.1:${port}`, format: 'alertmanager', types: ['threshold.tripped'] }
  writeFileSync(config, JSON.stringify({ webhooks: [{ ...webhook, 'retry-first': '20ms', 'retry-most': '200ms' }] }))
  const settings = ['--data', join(directory, 'data'), '--config', config]
  service = await Live.start(settings)
  const path = '/sys/processes/threshold/many'
  await service.put(path, { at: 1, note: 'page 7' })
  const [alert] = await untilAlerts(1)
  const { data, time } = (
    (await service.get('/events?types=threshold.tripped')).events as { data: object; time: string }[]
  )[0]!
  expect(data).toMatchObject({ value: expect.any(Number) })
  expect(alert).toMatchObject({
    labels: {
      alertname: 'IntrospectdThreshold',
      severity: 'warning',
      event: 'threshold.tripped',
      subject: '/sys/processes',
      threshold: path,
      limit: 'processes',
    },
    annotations: { note: 'page 7', summary: expect.stringMatching(/^threshold.tripped \/sys\/processes: /) },
    startsAt: time,
    status: { state: 'active' },
  })

  // Alertmanager has alerts in memory only. The service sends the open one again when it starts.
  await service.stop('SIGKILL')
  const ended = new Promise((resolve) => alertmanager!.once('exit', resolve))
  alertmanager!.kill('SIGKILL')
  await ended
  startAlertmanager()
  await untilAlerts(0)
  service = await Live.start(settings)
  const [again] = await untilAlerts(1)
  expect(again).toMatchObject({ labels: alert!.labels, startsAt: time })

  const deleted = await fetch(`${service.url}${path}`, { method: 'DELETE' })
  expect(deleted.status).toBe(204)
  await untilAlerts(0)
})

/** Tests a service that has more clients than file descriptors. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { startForTest } from '../support/running.ts'
import { until } from '../support/until.ts'

let data: string
let live: Live | null
let sockets: Socket[]

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'introspectd-descriptors-'))
  live = null
  sockets = []
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await live?.stop('SIGKILL')
  rmSync(data, { recursive: true })
})

const limit = 600
const wanted = 1_000

/** Opens idle connections. Resolves when each is open or was refused. */
async function crowd(port: number): Promise<void> {
  for (let count = 0; count < wanted; count++) {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    await new Promise<void>((resolve) => {
      socket.once('connect', () => resolve())
      socket.once('error', () => resolve())
    })
  }
}

/** Retries, because a request may come before a descriptor is free. */
const untilAnswered = (fits: () => Promise<boolean>) =>
  until(
    () => fits().catch((error: unknown) => error),
    (answer) => answer === true,
    { everyMs: 50, what: String(fits) },
  )

/** CPU time in ticks of 10 ms. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
  return Number(fields[11]) + Number(fields[12])
}

test('without free descriptors the service serves its clients, persists events, and later accepts new clients', async () => {
  live = await Live.start(['--data', data], { under: ['prlimit', `--nofile=${limit}:${limit}`] })
  const port = Number(new URL(live.url).port)
  const watcher = await live.watch('/sys?types=threshold.*,source.*')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const getText = (path: string) =>
    new Promise<string>((resolve, reject) => {
      get(`${live!.url}${path}`, { agent }, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () => resolve(text))
      }).once('error', reject)
    })
  expect(await getText('/livez')).toBe('ok\n')
  const mine = `/sys/proc/${process.pid}/fds/threshold`
  expect(await live.put(`${mine}/tripped`, { at: 1 })).toMatchObject({ state: 'tripped' })
  await crowd(port)
  // The service neither spins nor exits: it serves existing clients and writes the journal.
  const [before, began] = [cpuOf(live.pid), performance.now()]
  await delay(3_000)
  expect((cpuOf(live.pid) - before) * 10).toBeLessThan((performance.now() - began) * 0.7)
  expect(await getText('/readyz?verbose')).toMatch(/^\[\+\] events: \d+ stored in the journal; a cursor reaches back /m)
  // Processes that cannot be read meanwhile are not reported as ended.
  expect(JSON.parse(await getText(`${mine}/tripped`))).toMatchObject({ state: 'tripped' })
  expect(watcher.events.filter(({ type }) => type === 'threshold.cleared')).toEqual([])
  for (const socket of sockets.splice(0)) socket.destroy()
  const hog = await startForTest('fd-hog', [0, 200])
  await untilAnswered(
    async () => (await live!.put(`/sys/proc/${hog.pid}/fds/threshold/hog`, { at: 100 })).state === 'tripped',
  )
  await watcher.until(({ type, subject }) => type === 'threshold.tripped' && subject === `/sys/proc/${hog.pid}/fds`)
  // The scanner can open its files again, too.
  await untilAnswered(async () => !(await (await fetch(`${live!.url}/readyz?verbose`)).text()).includes('descriptors'))
  agent.destroy()
  expect(await live.stop()).toBe(0)
  live = null
})

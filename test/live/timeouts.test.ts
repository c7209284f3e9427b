/** Default timers on real programs. */

import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import type { Program } from '../support/programs.ts'
import { startForTest } from '../support/running.ts'

let live: Live

beforeAll(async () => {
  live = await Live.start()
})

afterAll(() => live.stop())

async function run(name: string, args: readonly (string | number)[] = []): Promise<Program> {
  return startForTest(name, args)
}

test('a server that waits too long for a client raises one warning, and continues when one comes', async () => {
  const server = await run('accepts')
  const port = Number(await server.line())
  const path = `/sys/proc/${server.pid}`
  await live.until(path, ({ path: there }) => there === path)
  const watcher = await live.watch(`${path}?types=deadlock.*`)
  await live.put(`${path}/timeout`, { states: ['RECEIVE'], after: '300ms' })
  await watcher.until(({ type }) => type === 'deadlock.warning')
  expect(await live.get(`${path}/timeout`)).toMatchObject({ warned: [`${path}/thread/${server.pid}`] })
  const socket = connect(port, '127.0.0.1')
  expect(await server.line()).toBe('accepted')
  const events = await watcher.until(({ type }) => type === 'deadlock.eased')
  expect(events.map(({ type, subject }) => [type, subject])).toEqual([
    ['deadlock.warning', `${path}/thread/${server.pid}`],
    ['deadlock.eased', `${path}/thread/${server.pid}`],
  ])
  expect(events[0]!.data).toMatchObject({
    state: 'RECEIVE',
    after: '300ms',
    timeout: `${path}/timeout`,
    end: { how: 'untraced', state: 'RECEIVE' },
  })
  socket.destroy()
  watcher.socket.close()
})

test('a controller that sets one timer for all processes receives a warning of a deadlock in a program that starts later', async () => {
  await live.put('/sys/timeout', { after: '300ms' })
  const watcher = await live.watch('/sys?types=deadlock.warning')
  const ring = await run('locks', ['ring', 'normal', 2])
  const threads = [await ring.line(), await ring.line()].map((line) => {
    const [tid, address] = line.split(' ')
    return { path: `/sys/proc/${ring.pid}/thread/${tid}`, address }
  })
  const isOurs = ({ subject }: { subject: string }) => threads.some(({ path }) => path === subject)
  const warnings = () => watcher.events.filter(isOurs)
  while (warnings().length < 2) await watcher.until(watcher.events.length + 1)
  for (const [place, { path, address }] of threads.entries()) {
    const other = threads[1 - place]!
    expect(warnings().find(({ subject }) => subject === path)!.data).toMatchObject({
      state: 'MUTEX',
      on: { mutex: address, owner: other.path },
      chain: [{ path }, { path: other.path }],
      end: { how: 'loop', thread: path },
    })
  }
  const text = await (await fetch(`${live.url}/sys/proc/${ring.pid}/wait?format=text`)).text()
  expect(text).toContain(
    `${threads[0]!.path} (locks) waits for mutex ${threads[0]!.address}, which ${threads[1]!.path} has`,
  )
  expect((await fetch(`${live.url}/sys/timeout`, { method: 'DELETE' })).status).toBe(204)
  watcher.socket.close()
})

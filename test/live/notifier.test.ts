/** Thresholds that depend on time, births and execs, on this machine. */

import { basename } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import type { Program } from '../support/programs.ts'
import { startForTest } from '../support/running.ts'
import type { CloudEvent } from '../support/service.ts'

let live: Live

beforeAll(async () => {
  live = await Live.start()
})

afterAll(async () => {
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

async function begin(name: string, args: readonly (string | number)[] = []): Promise<Program> {
  const program = await startForTest(name, args)
  await live.until(`/sys/proc/${program.pid}`, ({ status }) => status === undefined || status !== 404)
  return program
}

test('a value that stays past its threshold is reported after that time, and cleared when the threshold expires', async () => {
  const hog = await begin('fd-hog', [0, 100])
  expect(await hog.line()).toBe('opened')
  const fds = `/sys/proc/${hog.pid}/fds`
  await live.until(fds, ({ value }) => Number(value) >= 100)
  const watcher = await live.watch(`${fds}?types=threshold.*`)
  const before = Date.now()
  const put = await live.put(`${fds}/threshold/stays`, { at: 50, for: '300ms', ttl: '1s' })
  expect(put).toMatchObject({ state: 'armed', for: '300ms' })
  const [tripped, cleared] = await watcher.until(2)
  expect([tripped!.data.initial, cleared!.data.reason]).toEqual([true, 'expired'])
  // No event comes before its time, however old the last reading was when the threshold was set.
  expect(Date.parse(tripped!.time)).toBeGreaterThanOrEqual(before + 300)
  expect(Date.parse(cleared!.time)).toBeGreaterThanOrEqual(before + 1_000)
  expect((await live.get(`${fds}/threshold/stays`)).status).toBe(404)
})

test('a process that closes its descriptors in time is not reported', async () => {
  const hog = await begin('fd-hog', [0, 100])
  expect(await hog.line()).toBe('opened')
  const fds = `/sys/proc/${hog.pid}/fds`
  await live.until(fds, ({ value }) => Number(value) >= 100)
  const watcher = await live.watch(`${fds}?types=threshold.*`)
  await live.put(`${fds}/threshold/stays`, { at: 50, for: '1h' })
  hog.send('close')
  expect(await hog.line()).toBe('closed')
  await live.until(fds, ({ value }) => Number(value) < 50)
  await live.put(`${fds}/threshold/marks`, { at: 50, direction: 'falling' })
  expect((await watcher.until(1)).map(({ data }) => data.threshold)).toEqual([`${fds}/threshold/marks`])
})

test('births and deaths within `every` are one event, and none is left out', async () => {
  const watcher = await live.watch('/sys?types=limit.changed,process.*')
  const { value } = await live.put('/sys/processes/threshold/any', { on: 'change', every: '200ms' })
  const storm = await begin('fork-storm', [200, 1000])
  storm.send('go')
  expect(await storm.line()).toBe('done 200')
  await storm.stop()
  const isLast = (event: CloudEvent) => event.type === 'process.died' && event.data.pid === storm.pid
  await watcher.until(isLast)
  const end = watcher.events.findIndex(isLast)
  const isLimitChange = ({ type }: CloudEvent) => type === 'limit.changed'
  await watcher.until(() => watcher.events.slice(end).some(isLimitChange))
  const changes = watcher.events.filter(isLimitChange)
  // Each begins where the former ended, and has at least as many changes as its difference, or two more, …
  const values = [value, ...changes.map(({ data }) => data.value)]
  expect(changes.map(({ data }) => data.from)).toEqual(values.slice(0, -1))
  for (const { data } of changes) {
    const excess = Number(data.changes) - Math.abs(Number(data.value) - Number(data.from))
    expect([excess >= 0, excess % 2]).toEqual([true, 0])
  }
  // … and after the first, which is emitted at once, they are all the births and deaths reported meanwhile.
  const [first, ...more] = changes
  const [from, to] = [first!, more.at(-1)!].map((event) => watcher.events.indexOf(event))
  const isLife = ({ type }: CloudEvent) => type === 'process.created' || type === 'process.died'
  const births = watcher.events.slice(from, to).filter(isLife)
  expect(births.length).toBeGreaterThanOrEqual(400)
  expect(more.reduce((sum, { data }) => sum + Number(data.changes), 0)).toBe(births.length)
  await fetch(`${live.url}/sys/processes/threshold/any`, { method: 'DELETE' })
})

test('a filter includes a program that starts later, and excludes it when it executes another one', async () => {
  const watcher = await live.watch('/sys/threads?types=threshold.*')
  const where = { name: 'exec-twi*' }
  // Threads are counted from the birth on: nothing must be read before it executes another program.
  const put = await live.put('/sys/threads/threshold/of', { at: 1, per: 'process', where })
  expect(put).toMatchObject({ nodes: 0, where: { ...where, uid: null, partition: null } })
  const program = await begin('exec-twice')
  program.send('go')
  const child = Number(/^child (\d+)$/.exec(await program.line())![1])
  const subject = `/sys/proc/${child}/threads`
  const isCleared = (event: CloudEvent) => event.subject === subject && event.type === 'threshold.cleared'
  await watcher.until(isCleared)
  const ofChild = watcher.events.filter((event) => event.subject === subject)
  expect(ofChild.map(({ type, data }) => [type, data.reason])).toEqual([
    ['threshold.tripped', undefined],
    ['threshold.cleared', 'filtered'],
  ])
  await fetch(`${live.url}/sys/threads/threshold/of`, { method: 'DELETE' })
})

test('the reply for a process just born has its first reading', async () => {
  const watcher = await live.watch('/sys/proc?types=process.created')
  for (let round = 0; round < 5; round++) {
    const seen = watcher.events.length
    const program = await begin('fd-hog', [0, 1])
    await watcher.until(() => watcher.events.slice(seen).some(({ data }) => data.pid === program.pid))
    const path = `/sys/proc/${program.pid}`
    expect(await live.put(`${path}/fds/threshold/born`, { at: 1 })).toMatchObject({ state: 'tripped' })
    await program.stop()
  }
  watcher.socket.close()
})

test('a filter by executable finds a program that has given itself another name', async () => {
  const path = '/sys/threads/threshold/node'
  const pattern = `${basename(process.execPath)}*`
  const put = await live.put(path, { at: 1, per: 'process', where: { exe: pattern } })
  expect(put.tripped).toEqual(expect.arrayContaining([`/sys/proc/${process.pid}/threads`]))
  await fetch(`${live.url}${path}`, { method: 'DELETE' })
})

test('a limit that is switched off from the start is not watched, and its node says so', async () => {
  const other = await Live.start(['--notifier', 'off', '--limits-off', 'fds,stack'])
  expect(await other.get('/sys/notifier')).toMatchObject({ enabled: false, disabled: ['stack', 'fds'] })
  expect(await other.put('/sys/fds/threshold/x', { at: 1 })).toMatchObject({ state: 'disabled' })
  await other.put('/sys/notifier', { enabled: true })
  expect(await other.get('/sys/fds/threshold/x')).toMatchObject({ state: 'disabled' })
  await other.put('/sys/notifier/limits/fds', { enabled: true })
  await other.until('/sys/fds/threshold/x', ({ state }) => state === 'tripped')
  expect(await other.stop()).toBe(0)
})

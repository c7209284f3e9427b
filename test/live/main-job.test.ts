/** The main job on this machine: real programs misbehave, and a WebSocket client receives the events. */

import { execFile, execFileSync, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import type { Program } from '../support/programs.ts'
import { startForTest } from '../support/running.ts'
import type { CloudEvent } from '../support/service.ts'
import { until } from '../support/until.ts'

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

const of = (type: string) => (event: CloudEvent) => event.type === type
const summaryOf = (events: readonly CloudEvent[]) => events.map(({ type, subject }) => `${type} ${subject}`)

test('the three commands that the service prints at the start work in their order, as printed', async () => {
  const [listen, set, makeItTrip, ...more] = [...live.output.stdout.matchAll(/^ {5}(\S.*)$/gm)].map(([, line]) => line!)
  expect(more).toEqual([])
  // With exec, so that the process ended at the end is the command itself.
  const listening = spawn('bash', ['-c', `exec ${listen}`], { stdio: ['ignore', 'pipe', 'ignore'] })
  let stream = ''
  listening.stdout.on('data', (chunk: Buffer) => {
    stream += chunk.toString()
  })
  const streamed = (text: string) =>
    until(
      () => stream,
      (read) => read.includes(text),
      { what: text },
    )
  await streamed(': introspectd')
  const { stdout } = await promisify(execFile)('bash', ['-c', set!])
  expect(JSON.parse(stdout)).toMatchObject({ at: 100, per: 'process', path: '/sys/fds/threshold/hog' })
  const offender = spawn('bash', ['-c', `exec ${makeItTrip}`], { stdio: ['pipe', 'ignore', 'ignore'] })
  await streamed(`"type":"threshold.tripped","subject":"/sys/proc/${offender.pid}/fds"`)
  offender.stdin.end('\n')
  await streamed('"reason":"died"')
  listening.kill()
  expect((await fetch(`${live.url}/sys/fds/threshold/hog`, { method: 'DELETE' })).status).toBe(204)
})

describe('a program that hogs descriptors', () => {
  test('trips its own threshold once, and clears it once when it closes them', async () => {
    const hog = await begin('fd-hog', [10, 150])
    const fds = `/sys/proc/${hog.pid}/fds`
    const watcher = await live.watch(`/sys/proc/${hog.pid}?types=threshold.*`)
    expect(await live.put(`${fds}/threshold/hog`, { at: 100 })).toMatchObject({ path: `${fds}/threshold/hog`, at: 100 })
    const [tripped] = await watcher.until(1)
    expect(tripped).toMatchObject({
      type: 'threshold.tripped',
      subject: fds,
      data: {
        threshold: `${fds}/threshold/hog`,
        limit: 'fds',
        at: 100,
        initial: false,
        name: 'fd-hog',
        period: expect.stringMatching(/ms$/),
      },
    })
    expect(tripped!.data.value).toBeGreaterThanOrEqual(100)
    expect(tripped!.data.identity).toBe((await live.get(`/sys/proc/${hog.pid}`)).identity)
    expect(await hog.line()).toBe('opened')
    hog.send('close')
    await watcher.until(2)
    await hog.stop()
    await live.until(`/sys/proc/${hog.pid}`, ({ status }) => status === 404)
    expect(summaryOf(watcher.events)).toEqual([`threshold.tripped ${fds}`, `threshold.cleared ${fds}`])
    expect(watcher.events[1]!.data).toMatchObject({ reason: 'rearmed' })
  })

  test('is named by a threshold per process at /sys; without per, the value is the sum that GET shows', async () => {
    const hog = await begin('fd-hog', [1, 3000])
    const watcher = await live.watch('/sys/fds')
    await live.put('/sys/fds/threshold/each', { at: 2500, per: 'process' })
    const named = (event: CloudEvent) => event.subject === `/sys/proc/${hog.pid}/fds`
    expect((await watcher.until(named)).find(named)).toMatchObject({
      type: 'threshold.tripped',
      data: { name: 'fd-hog' },
    })
    expect(await hog.line()).toBe('opened')
    const { value } = await live.until('/sys/fds', ({ value }) => Number(value) > 3000)
    await live.put('/sys/fds/threshold/sum', { at: Number(value) - 1000 })
    const ofSum = ({ type, subject }: CloudEvent) => type !== 'bookmark' && subject === '/sys/fds'
    const sum = (await watcher.until(ofSum)).find(ofSum)!
    expect(sum.type).toBe('threshold.tripped')
    expect(sum.data.top).toMatchObject([{ pid: hog.pid, name: 'fd-hog', path: `/sys/proc/${hog.pid}` }, {}, {}])
    hog.send('close')
    for (const subject of [`/sys/proc/${hog.pid}/fds`, '/sys/fds']) {
      await watcher.until((event) => event.type === 'threshold.cleared' && event.subject === subject)
      expect(watcher.events.filter((event) => event.subject === subject).map(({ type }) => type)).toEqual([
        'threshold.tripped',
        'threshold.cleared',
      ])
    }
    for (const name of ['each', 'sum']) await fetch(`${live.url}/sys/fds/threshold/${name}`, { method: 'DELETE' })
  })

  test('clears with the cause died before its death when it is killed while tripped, and its threshold ends with it', async () => {
    const hog = await begin('fd-hog', [1, 200])
    const watcher = await live.watch(`/sys/proc/${hog.pid}?types=threshold.*,process.died`)
    await live.put(`/sys/proc/${hog.pid}/fds/threshold/hog`, { at: 150 })
    await watcher.until(of('threshold.tripped'))
    hog.child.kill('SIGKILL')
    await watcher.until(of('process.died'))
    expect(watcher.events.slice(1)).toMatchObject([
      { type: 'threshold.cleared', data: { reason: 'died' } },
      { type: 'process.died', data: { signal: 'SIGKILL', code: null, peak: { fds: expect.any(Number) } } },
    ])
    expect((await live.get('/sys/thresholds')).entries).toEqual([])
  })
})

describe.each(['sleep', 'spin'])('a recursion loop in the third thread of a program, %s', (mode) => {
  test('trips a percentage of its stack, and names that thread', async () => {
    const program = await begin('recursion', [mode, 70])
    const stack = `/sys/proc/${program.pid}/stack`
    const watcher = await live.watch(stack)
    expect(await live.put(`${stack}/threshold/recursion`, { at: '50%', per: 'thread' })).toMatchObject({
      at: '50%',
      per: 'thread',
    })
    const [, tid] = /^tid (\d+)$/.exec(await program.line()) ?? []
    const [tripped] = await watcher.until(1)
    expect(tripped).toMatchObject({
      type: 'threshold.tripped',
      subject: `/sys/proc/${program.pid}/thread/${tid}/stack`,
    })
    const { value, capacity } = tripped!.data as { value: number; capacity: number }
    expect(capacity).toBeGreaterThanOrEqual(8 * 1024 * 1024)
    expect(value).toBeGreaterThanOrEqual(capacity / 2)
    expect(watcher.events.filter(({ subject }) => subject !== tripped!.subject)).toEqual([])
  })
})

test('2,000 short-lived processes in a second: each is created and dies, or their loss is accounted for', async () => {
  const watcher = await live.watch('/sys?types=process.created,process.died,events.lost')
  const storm = await begin('fork-storm', [2000, 2000])
  storm.send('go')
  expect(await storm.line()).toBe('done 2000')
  await storm.stop()
  await watcher.until(({ type, subject }) => type === 'process.died' && subject === `/sys/proc/${storm.pid}`)
  const children = new Set(
    watcher.events
      .filter(({ type, data }) => type === 'process.created' && data.parent === storm.pid)
      .map(({ data }) => data.identity),
  )
  const dead = watcher.events.filter(({ type, data }) => type === 'process.died' && children.has(data.identity))
  const lost = watcher.events.filter(of('events.lost')).reduce((sum, { data }) => sum + Number(data.count), 0)
  if (lost === 0) expect([children.size, dead.length]).toEqual([2000, 2000])
  else expect(children.size + dead.length + lost).toBeGreaterThanOrEqual(4000)
})

test('the tree agrees with ps', async () => {
  const program = await begin('threads', [1, 5])
  const ps = execFileSync('ps', ['-o', 'comm=,uid=,ppid=,nlwp=', '-p', String(program.pid)])
    .toString()
    .trim()
    .split(/\s+/)
  const shown = await live.until(
    `/sys/proc/${program.pid}`,
    ({ usage }) => (usage as { fds?: number }).fds !== undefined,
  )
  const { name, uid, parent, usage } = shown as {
    name: string
    uid: number
    parent: number
    usage: { threads: number }
  }
  expect([name, uid, parent, usage.threads].map(String)).toEqual(ps)
})

test('an exec changes the name, but neither pid nor identity', async () => {
  const watcher = await live.watch('/sys/proc?types=process.*')
  const program = await begin('exec-twice')
  program.send('go')
  const child = `/sys/proc/${(await program.line()).replace('child ', '')}`
  // Other programs of the machine may execute sleep meanwhile.
  const isExec = ({ type, subject, data }: CloudEvent) =>
    type === 'process.changed' && subject === child && data.what === 'exec' && data.name === 'sleep'
  const events = await watcher.until(isExec)
  const exec = events.find(isExec)!
  const born = events.find(({ type, subject }) => type === 'process.created' && subject === exec.subject)!
  expect(born.data).toMatchObject({ parent: program.pid, identity: exec.data.identity, name: 'exec-twice' })
  expect(exec.data.executable).toMatch(/sleep$/)
})

test('a process continues after its leader has exited', async () => {
  const program = await begin('leader-exits')
  const { usage, state } = await live.until(
    `/sys/proc/${program.pid}`,
    ({ usage }) => (usage as { threads: number }).threads === 1,
  )
  expect(usage).toMatchObject({ threads: 1 })
  expect(state).toBeDefined()
  expect((await live.get(`/sys/proc/${program.pid}/thread/${program.pid}`)).status).toBe(404)
})

test('an exec after the leader has exited makes a leader whose readings are complete', async () => {
  // Long enough for a scan to read the leader: its readings are not those of the next leader.
  const program = await begin('leader-exits', [1_500])
  const tid = Number((await program.line()).split(' ')[1])
  const path = `/sys/proc/${program.pid}`
  await live.until(`${path}/thread`, ({ entries }) => (entries as { tid: number }[]).every((each) => each.tid === tid))
  await live.until(`${path}/thread/${tid}/stack`, ({ value }) => value !== null)
  program.send('exec')
  const leader = `${path}/thread/${program.pid}`
  await live.until(`${leader}/stack`, ({ value, capacity }) => Number(value) > 0 && Number(capacity) > 0)
  await live.until(leader, ({ state, name }) => state === 'RECEIVE' && name === 'cat')
})

test('a name with arbitrary bytes is shown, escaped if it must be', async () => {
  const program = await begin('weird-name')
  const { name } = await live.until(`/sys/proc/${program.pid}`, ({ name }) => name !== 'weird-name')
  expect(String(name)).not.toContain('\ufffd')
  const text = await (await fetch(`${live.url}/sys/proc?format=text`)).text()
  const line = text.split('\n').find((other) => other.trimStart().startsWith(`${program.pid} `))
  expect(line).toMatch(/\\x/)
})

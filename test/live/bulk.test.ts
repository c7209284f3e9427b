/** The bulk read of a machine with thousands of threads, against /proc itself. */

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ProcessView } from '../../src/tree/views.ts'
import { Live } from '../support/live.ts'
import { type Program, start } from '../support/programs.ts'

const processes = 500
const threads = 8

let flock: Program
let live: Live
let pids: number[]

beforeAll(async () => {
  flock = await start('threads', [processes, threads])
  pids = (await flock.line()).trim().split(/\s+/).map(Number)
  live = await Live.start()
}, 120_000)

afterAll(async () => {
  await live.stop()
  await flock.stop()
})

interface Entry {
  readonly pid: number
  readonly name: string
  readonly parent: number
  readonly usage: Record<string, number>
  readonly thread: readonly { tid: number; name: string; state: string }[]
}

/** One process as /proc shows it. */
function truth(pid: number): Entry {
  const status = (path: string, field: string) =>
    new RegExp(`^${field}:\\s*(\\S+)`, 'm').exec(readFileSync(`/proc/${path}/status`, 'utf8'))![1]!
  const tids = readdirSync(`/proc/${pid}/task`)
    .map(Number)
    .sort((a, b) => a - b)
  return {
    pid,
    name: status(`${pid}`, 'Name'),
    parent: Number(status(`${pid}`, 'PPid')),
    usage: { threads: tids.length, fds: readdirSync(`/proc/${pid}/fd`).length },
    thread: tids.map((tid) => ({ tid, name: status(`${pid}/task/${tid}`, 'Name'), state: 'SIGSUSPEND' })),
  }
}

/** One process as the service reports it. */
const shown = ({ pid, name, parent, usage, thread }: Entry) => ({
  pid,
  name,
  parent,
  usage: { threads: usage.threads, fds: usage.fds },
  thread: thread.map(({ tid, name: named, state }) => ({ tid, name: named, state })),
})

async function read(accept: string): Promise<string> {
  const response = await fetch(`${live.url}/sys/proc?depth=2`, { headers: { accept } })
  expect(response.headers.get('content-type')).toContain(accept)
  return response.text()
}

test('every process with every thread, as NDJSON and as JSON, agrees with /proc', async () => {
  expect(pids).toHaveLength(processes)
  const expected = pids.map(truth).sort((a, b) => a.pid - b.pid)
  expect(expected.every(({ thread }) => thread.length === threads)).toBe(true)
  const ours = new Set(pids)
  const lines = (await read('application/x-ndjson')).trimEnd().split('\n')
  const entries = lines.map((line) => JSON.parse(line) as Entry)
  const { entries: listed } = JSON.parse(await read('application/json')) as { entries: Entry[] }
  for (const all of [entries, listed]) {
    for (const entry of all) expect(ProcessView.safeParse(entry).error).toBeUndefined()
    expect(all.filter(({ pid }) => ours.has(pid)).map(shown)).toEqual(expected)
  }
})

test('a page at a time gives the same processes as all at once', async () => {
  const seen: number[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await live.get(`/sys/proc?limit=100&fields=pid${cursor === '' ? '' : `&cursor=${cursor}`}`)
    seen.push(...(page.entries as { pid: number }[]).map(({ pid }) => pid))
    cursor = page.next as string | null
  }
  expect(new Set(seen).size).toBe(seen.length)
  expect(pids.every((pid) => seen.includes(pid))).toBe(true)
})

test('a thread that wakes is seen among thousands of idle ones', async () => {
  const pid = pids[250]!
  const before = await live.get(`/sys/proc/${pid}/cpu-time`)
  // To stop and continue, it runs.
  execFileSync('kill', ['-STOP', String(pid)])
  await live.until(`/sys/proc/${pid}`, ({ state }) => (state as Record<string, number>).STOPPED === threads)
  execFileSync('kill', ['-CONT', String(pid)])
  await live.until(`/sys/proc/${pid}`, ({ state }) => (state as Record<string, number>).SIGSUSPEND === threads)
  const after = await live.get(`/sys/proc/${pid}/cpu-time`)
  expect(Number(after.value)).toBeGreaterThanOrEqual(Number(before.value))
})

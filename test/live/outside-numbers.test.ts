/** Numbers and texts from outside that are larger than usual: they cost one reading at most, not the service. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { startForTest } from '../support/running.ts'

let live: Live
// A file system in memory holds files of every size.
const directory = mkdtempSync('/dev/shm/introspectd-')

beforeAll(async () => {
  // Changes that others make to an idle process are read in every sixtieth scan, so scans are frequent.
  live = await Live.start(['--allow-actions', '--full-period', '100', '--idle-budget', '100', '--armed-budget', '100'])
})

afterAll(async () => {
  rmSync(directory, { recursive: true })
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

test.each([
  ['2^53', 2n ** 53n],
  ['2^63 - 1', 2n ** 63n - 1n],
])(
  'a file of %s bytes that a program has open is a lower bound, and trips what watches large files',
  async (_, size) => {
    const watcher = await live.watch('/sys?types=threshold.tripped')
    const at = { at: 2 ** 53 - 1, where: { name: 'big-file' }, per: 'process' }
    const set = await live.put('/sys/file-size/threshold/huge', at)
    expect(set).toMatchObject({ state: 'armed' })
    const { pid, send, line } = await startForTest('big-file')
    send(`write ${join(directory, 'huge')}`)
    send(`size ${size}`)
    expect([await line(), await line()]).toEqual(['done', 'done'])
    const { value, unreadable } = await live.until(
      `/sys/proc/${pid}/file-size`,
      ({ value }) => value !== null && value !== 0,
    )
    expect([value, unreadable]).toEqual([Number.MAX_SAFE_INTEGER, 1])
    expect(await watcher.until(1)).toMatchObject([{ data: { value: Number.MAX_SAFE_INTEGER } }])
    const total = await live.get('/sys/file-size')
    expect(total).toMatchObject({ value: Number.MAX_SAFE_INTEGER, unreadable: expect.any(Number) })
  },
)

describe('an rlimit of more than 2^53', () => {
  const put = async (path: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${live.url}${path}`, { method: 'PUT', headers, body: JSON.stringify(body) })
    return [reply.status, await reply.json()]
  }
  const exactly = (pid: number) =>
    execFileSync('prlimit', ['--pid', String(pid), '--fsize', '--raw', '--noheadings', '--output', 'SOFT,HARD'], {
      encoding: 'latin1',
    }).trim()

  test.each([2n ** 64n - 2n, 2n ** 63n - 1n, 2n ** 53n + 1n])(
    '%i: lowering the soft limit leaves the hard one exactly as it is',
    async (hard) => {
      const { pid } = await startForTest('catch')
      execFileSync('prlimit', ['--pid', String(pid), `--fsize=${hard}:${hard}`])
      const path = `/sys/proc/${pid}/rlimit/fsize`
      await live.until(path, ({ soft }) => soft === String(hard))
      expect(await put(path, { soft: 4096 })).toMatchObject([200, { soft: 4096, hard: String(hard) }])
      expect(exactly(pid)).toBe(`4096 ${hard}`)
      expect(await put(path, { soft: String(hard), hard: String(hard) })).toMatchObject([200, { soft: String(hard) }])
      expect(exactly(pid)).toBe(`${hard} ${hard}`)
    },
  )

  test('a number of more than 64 bits is rejected', async () => {
    const { pid } = await startForTest('catch')
    await live.until(`/sys/proc/${pid}/rlimit/fsize`, ({ soft }) => soft !== undefined)
    expect(await put(`/sys/proc/${pid}/rlimit/fsize`, { soft: '99999999999999999999' })).toMatchObject([400, {}])
  })
})

test.each([1200, 65_536])('a process of %i groups, whose status is long, has all readings', async (count) => {
  const { pid } = await startForTest('many-groups', [count])
  const limits = ['memlock', 'signals', 'memory', 'fds', 'threads']
  await live.until(`/sys/proc/${pid}`, ({ usage }) => {
    const read = new Map(Object.entries(usage ?? {}))
    return limits.every((limit) => typeof read.get(limit) === 'number')
  })
})

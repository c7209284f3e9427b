/** Pending signals, and the largest file that is open for writing, of real programs. */

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import type { Program } from '../support/programs.ts'
import { startForTest } from '../support/running.ts'

let live: Live
const directory = mkdtempSync(join(tmpdir(), 'introspectd-'))

beforeAll(async () => {
  // Idle processes are read again every few scans, so the test need not wait long.
  live = await Live.start(['--full-period', '100'])
})

afterAll(async () => {
  rmSync(directory, { recursive: true })
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

async function begin(name: string): Promise<Program> {
  const program = await startForTest(name)
  await live.until(`/sys/proc/${program.pid}`, ({ status }) => status === undefined || status !== 404)
  return program
}

async function command(program: Program, ...lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    program.send(line)
    expect(await program.line()).toBe('done')
  }
}

const until = (path: string, value: number) => live.until(path, (body) => body.value === value)

describe('signals', () => {
  test('are counted exactly for the standard kinds, even for an idle process', async () => {
    const program = await begin('signals')
    const path = `/sys/proc/${program.pid}/signals`
    expect(await until(path, 0)).not.toHaveProperty('unreadable')
    for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGUSR2', 'SIGHUP'] as const) process.kill(program.pid, signal)
    expect(await until(path, 3)).not.toHaveProperty('unreadable')
    await command(program, 'take')
    await until(path, 0)
  })

  test('are counted for a single thread too', async () => {
    const program = await begin('signals')
    await command(program, 'thread')
    await until(`/sys/proc/${program.pid}/signals`, 1)
  })

  test('are a lower bound for kinds that queue: Linux reports only that there are some', async () => {
    const program = await begin('signals')
    await command(program, 'queue 20')
    const shown = await until(`/sys/proc/${program.pid}/signals`, 1)
    expect(shown).toMatchObject({ unreadable: 1 })
    await command(program, 'take')
    expect(await until(`/sys/proc/${program.pid}/signals`, 0)).not.toHaveProperty('unreadable')
  })

  test('trip a threshold once and clear it once', async () => {
    const program = await begin('signals')
    const watcher = await live.watch(`/sys/proc/${program.pid}?types=threshold.*`)
    await live.put(`/sys/proc/${program.pid}/signals/threshold/stuck`, { at: 2 })
    for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.kill(program.pid, signal)
    await watcher.until(1)
    await command(program, 'take')
    await watcher.until(2)
    await program.stop()
    await live.until(`/sys/proc/${program.pid}`, ({ status }) => status === 404)
    expect(watcher.events.map(({ type }) => type)).toEqual(['threshold.tripped', 'threshold.cleared'])
  })
})

describe('file-size', () => {
  test('is the largest file open for writing, as it grows; one open for reading does not count', async () => {
    const program = await begin('big-file')
    const path = `/sys/proc/${program.pid}/file-size`
    const other = join(directory, 'read-only')
    writeFileSync(other, '')
    truncateSync(other, 9_000_000)
    await until(path, 0)
    await command(program, `read ${other}`, `write ${join(directory, 'grows')}`, 'size 1000')
    await until(path, 1000)
    await command(program, `size ${5 * 2 ** 30}`)
    await until(path, 5 * 2 ** 30)
    await command(program, 'close')
    await until(path, 0)
  })

  test('grows when another process writes while the holder is idle', async () => {
    const program = await begin('big-file')
    const file = join(directory, 'of-others')
    await command(program, `write ${file}`, 'size 10')
    await until(`/sys/proc/${program.pid}/file-size`, 10)
    await live.put(`/sys/proc/${program.pid}/file-size/threshold/big`, { at: 1000 })
    truncateSync(file, 2000)
    await until(`/sys/proc/${program.pid}/file-size`, 2000)
  })

  test('has RLIMIT_FSIZE for its capacity, and is the maximum at /sys', async () => {
    const program = await begin('big-file')
    await command(program, `limit ${2 ** 43}`, `write ${join(directory, 'largest')}`, `size ${2 ** 42}`)
    await live.until(`/sys/proc/${program.pid}/file-size`, ({ capacity }) => capacity === 2 ** 43)
    const watcher = await live.watch(`/sys/proc/${program.pid}?types=threshold.*`)
    await live.put(`/sys/proc/${program.pid}/file-size/threshold/half`, { at: '50%' })
    await watcher.until(1)
    await until('/sys/file-size', 2 ** 42)
    await command(program, 'size 0')
    await watcher.until(2)
    expect(watcher.events.map(({ type }) => type)).toEqual(['threshold.tripped', 'threshold.cleared'])
  })
})

test('without permission each has the reason, never zero', async () => {
  const program = await begin('big-file')
  const other = await Live.start([], { uid: 65_534 })
  await other.until(`/sys/proc/${program.pid}`, ({ unavailable }) => unavailable !== undefined)
  for (const limit of ['channels', 'server-ids', 'connections', 'file-size']) {
    expect(await other.get(`/sys/proc/${program.pid}/${limit}`)).toMatchObject({
      value: null,
      unavailable: expect.stringMatching(/^permission denied/),
    })
  }
  // Every user may read the masks in status.
  expect(await other.get(`/sys/proc/${program.pid}/signals`)).toMatchObject({ value: 0 })
  expect(other.output.stderr).toBe('')
  await other.stop()
})

/** Channels, server ids and connections: the sockets of real servers and clients. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import type { Program } from '../support/programs.ts'
import { startForTest } from '../support/running.ts'

let live: Live
const noSockets = { channels: 0, 'server-ids': 0, connections: 0 }

beforeAll(async () => {
  // Idle processes are read again every few scans, so the test need not wait long.
  live = await Live.start(['--full-period', '100'])
})

afterAll(async () => {
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

async function begin(under: readonly string[] = []): Promise<Program> {
  const program = await startForTest('sockets', [], { under })
  await untilUsage(program, noSockets)
  return program
}

async function command(program: Program, ...lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    program.send(line)
    expect(await program.line()).toBe('done')
  }
}

type Counts = Readonly<Record<keyof typeof noSockets, number>>

/** Waits until the process is shown with exactly these values. */
async function untilUsage({ pid }: Program, counts: Counts): Promise<void> {
  await live.until(`/sys/proc/${pid}`, ({ usage }) => {
    const shown = (usage ?? {}) as Record<string, { value: number } | number>
    return Object.entries(counts).every(([limit, count]) => {
      const value = shown[limit]
      return (typeof value === 'object' ? value.value : value) === count
    })
  })
}

describe.each([
  ['this network namespace', []],
  ['another network namespace', ['unshare', '--net']],
] as const)('in %s', (_, under) => {
  test('a listener is a channel, whatever its family', async () => {
    const program = await begin(under)
    await command(program, 'tcp4 3', 'tcp6 2', `path /tmp/introspectd-${program.pid}`, `abstract at-${program.pid}`)
    await untilUsage(program, { ...noSockets, channels: 7 })
    await command(program, 'close')
    await untilUsage(program, noSockets)
  })

  test('an accepted socket is a server id, its peer a connection', async () => {
    const program = await begin(under)
    await command(program, `abstract ends-${program.pid}`, 'connect 5')
    await untilUsage(program, { channels: 1, 'server-ids': 5, connections: 5 })
  })
})

test.each(['tcp4 1', 'tcp6 1'])('accepted and connected sockets are distinguished over %s too', async (listener) => {
  const program = await begin()
  await command(program, listener, 'connect 4')
  await untilUsage(program, { channels: 1, 'server-ids': 4, connections: 4 })
})

test('a socketpair and UDP sockets have none of the three kinds', async () => {
  const program = await begin()
  await command(program, 'pair', 'pair', 'tcp4 1')
  await untilUsage(program, { ...noSockets, channels: 1 })
})

test.each([
  ['channels', 'tcp4 12'],
  ['server-ids', 'connect 12'],
  ['connections', 'connect 12'],
] as const)('thresholds on %s, of the process and of each at /sys, trip once and clear once', async (limit, line) => {
  const program = await begin()
  const path = `/sys/proc/${program.pid}/${limit}`
  const own = `${path}/threshold/own`
  const each = `/sys/${limit}/threshold/each-${limit}`
  const watcher = await live.watch(`/sys/proc/${program.pid}?types=threshold.*`)
  await live.put(own, { at: 10 })
  await live.put(each, { at: 11, per: 'process' })
  await command(program, 'tcp4 1', line)
  await watcher.until(2)
  await command(program, 'close')
  await watcher.until(4)
  await program.stop()
  await live.until(`/sys/proc/${program.pid}`, ({ status }) => status === 404)
  const trips = watcher.events.map(({ type, data }) => `${type} ${String(data.threshold)}`).sort()
  expect(trips).toEqual(
    [
      `threshold.tripped ${own}`,
      `threshold.tripped ${each}`,
      `threshold.cleared ${own}`,
      `threshold.cleared ${each}`,
    ].sort(),
  )
  await fetch(`${live.url}${each}`, { method: 'DELETE' })
})

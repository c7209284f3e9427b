/** Streams whose client has vanished without a word, in a network namespace that drops everything sent to it. */

import { execFileSync, spawn } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { Live } from '../support/live.ts'
import { until } from '../support/until.ts'

const preload = new URL('../support/short-bounds.ts', import.meta.url).pathname
const short = { bookmarkEveryMs: 500, unacknowledgedMsMax: 2_000 }

let live: Live

afterEach(() => live.stop())

const inside = (...command: string[]) => ['nsenter', '--net', '--target', String(live.pid), ...command] as const

function run(...command: string[]): string {
  const [program, ...args] = inside(...command)
  return execFileSync(program, args, { encoding: 'utf8' })
}

const streams = () => /^introspectd_subscribers (\d+)$/m.exec(run('curl', '-s', `${live.url}/metrics`))?.[1]

/** Opens a stream of server-sent events from another address. */
function openStream(): { readonly text: () => string; readonly end: () => void } {
  const [program, ...args] = inside('curl', '-sN', '--interface', '127.0.0.2', '-H', 'accept: text/event-stream')
  const child = spawn(program, [...args, `${live.url}/sys`])
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return { text: () => text, end: () => child.kill('SIGKILL') }
}

test('a half-open stream of server-sent events ends, and a stream that only hears bookmarks does not', async () => {
  expect(bounds.bookmarkEveryMs + bounds.unacknowledgedMsMax).toBeLessThan(120_000)
  live = await Live.start(['--source', 'model'], {
    under: ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'],
    env: { NODE_OPTIONS: `--import=${preload}`, BOUNDS: JSON.stringify(short) },
  })
  const quiet = openStream()
  // Their periods together are longer than the time after which the kernel ends a connection.
  try {
    await until(quiet.text, (text) => text.split('bookmark').length > 7)
    expect(streams()).toBe('1')
    run('iptables', '-A', 'INPUT', '-d', '127.0.0.2', '-j', 'DROP')
    await until(streams, (count) => count === '0', { msMax: 6_000 })
  } finally {
    quiet.end()
  }
})

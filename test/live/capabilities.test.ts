/** Readings that work with each set of capabilities, compared with the table of docs/deployment.md. */

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { nobodyWith } from '../support/nobody-with.ts'
import { type Program, start } from '../support/programs.ts'

const page = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8')

const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)

/** Sets of capabilities, each with the limits that stay unknown. */
const rows = /\| it has .*\n.*\n((?:\|.*\n)+)/
  .exec(page)![1]!
  .trim()
  .split('\n')
  .map((row) => row.split('|').slice(1, 3).map(quoted) as [string[], string[]])

const [major, minor] = release().split('.').map(Number)
/** Linux 6.6. */
const reportsBirths = major! > 6 || (major === 6 && minor! >= 6)

const sockets = ['channels', 'server-ids', 'connections']

/** The limits that the service does not know for a process. */
async function unknownOf(live: Live, pid: number): Promise<string[]> {
  // Sockets are scanned last.
  const shown = await live.until(`/sys/proc/${pid}`, ({ usage, unavailable }) =>
    ['stack', 'channels'].every((name) => name in { ...(usage as object), ...(unavailable as object) }),
  )
  const {
    executable,
    state,
    unavailable = {},
  } = shown as {
    executable: string | null
    state: Record<string, number>
    unavailable?: Record<string, string>
  }
  return [
    ...(executable === null ? ['executable'] : []),
    ...('unknown' in state ? ['state'] : []),
    ...Object.keys(unavailable),
  ]
}

describe.each(rows)('with the capabilities %j', (capabilities, unknown) => {
  let live: Live
  let ofRoot: Program

  beforeAll(async () => {
    ofRoot = await start('fd-hog', [0, 5])
    live = await Live.start([], { under: nobodyWith(capabilities) })
  })

  afterAll(async () => {
    await live.stop()
    await ofRoot.stop()
  })

  test('a process of root has exactly the unknown limits that the documentation lists', async () => {
    expect((await unknownOf(live, ofRoot.pid)).sort()).toEqual(unknown.toSorted())
  })

  test.runIf(reportsBirths)('births and deaths are still reported', async () => {
    expect(await (await fetch(`${live.url}/readyz?verbose`)).text()).toContain('[+] inventory: ')
  })
})

test.each([
  [['SYS_PTRACE', 'DAC_READ_SEARCH', 'SYS_ADMIN'], []],
  [['SYS_PTRACE', 'DAC_READ_SEARCH'], sockets],
])('the limits of sockets in another network namespace: with %j, %j are unknown', async (capabilities, unknown) => {
  const listening = "require('net').createServer().listen(0, () => console.log('listening'))"
  const apart = spawn('unshare', ['--net', process.execPath, '-e', listening], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => apart.stdout.once('data', resolve))
  const live = await Live.start([], { under: nobodyWith(capabilities) })
  expect(await unknownOf(live, apart.pid!)).toEqual(unknown)
  await live.stop()
  apart.kill()
})

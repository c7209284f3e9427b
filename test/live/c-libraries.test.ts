/** Deadlocks of programs that run on other versions of glibc than the one here, each with its own loader. */

import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { libraryOf, type Release } from '../support/c-libraries.ts'
import { Live } from '../support/live.ts'

let live: Live

beforeAll(async () => {
  live = await Live.start()
})

afterAll(async () => {
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

interface Entry {
  readonly kind: string
  readonly reason?: string
  readonly members: readonly { readonly path: string; readonly state: string }[]
}

/** The deadlock of a program, from its start until it is reported. */
async function deadlockOf(program: string, args: readonly string[]): Promise<Entry> {
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit'] })
  const ended = new Promise((resolve) => child.once('close', resolve))
  try {
    const prefix = `/sys/proc/${child.pid}/thread/`
    const own = (entries: unknown) =>
      (entries as readonly Entry[] | undefined)?.find(({ members }) => members[0]?.path.startsWith(prefix))
    const { entries } = await live.until('/sys/deadlocks', ({ entries }) => own(entries) !== undefined)
    return own(entries)!
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

const releases: readonly Release[] = ['bullseye', 'trixie', 'sid']

describe.each(releases)('with the C library of Debian %s', (release) => {
  const library = libraryOf(release)
  const title = typeof library === 'string' ? library : `glibc ${library.version}`

  test.skipIf(typeof library === 'string').each([
    ['a ring of mutexes', ['ring', 'normal', '3'], 'detected', ['MUTEX', 'MUTEX', 'MUTEX']],
    ['a ring of recursive mutexes', ['ring', 'recursive', '2'], 'detected', ['MUTEX', 'MUTEX']],
    ['a ring of robust mutexes', ['ring', 'robust', '2'], 'detected', ['MUTEX', 'MUTEX']],
    ['a ring of adaptive mutexes', ['ring', 'adaptive', '2'], 'detected', ['MUTEX', 'MUTEX']],
    ['a ring of joins', ['joins', '3'], 'detected', ['JOIN', 'JOIN', 'JOIN']],
    ['a join under a mutex', ['mix'], 'detected', ['JOIN', 'MUTEX']],
    ['a mutex of an ended thread', ['orphan'], 'orphaned', ['MUTEX']],
    ['a ring of read-write locks', ['ring', 'rwlock', '2'], 'suspected', ['MUTEX', 'MUTEX']],
  ])(`(${title}) %s is found`, async (_, args, kind, states) => {
    if (typeof library === 'string') throw new Error(library)
    const entry = await deadlockOf(library.compile('locks'), args)
    expect(entry.kind).toBe(kind)
    expect(entry.members.map(({ state }) => state).sort()).toEqual(states)
  })
})

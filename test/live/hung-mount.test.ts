/** Processes that use a file system whose server answers nothing more. The scan does not wait for it. */

import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { startForTest } from '../support/running.ts'
import { until } from '../support/until.ts'

let directory: string
let live: Live

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hung-mount-'))
})

afterEach(async () => {
  expect(await live.stop()).toBe(0)
  // The mount is in a namespace of its own.
  rmdirSync(directory)
})

interface Entry {
  readonly kind: string
  readonly members: readonly { readonly path: string }[]
}

/** The service starts when the server has fallen silent, so it must read everything of the process. */
async function begin(how: string): Promise<number> {
  const program = await startForTest('hung-mount', [directory, how])
  const pid = Number(await program.line())
  live = await Live.start()
  return pid
}

const sizeOf = async (pid: number) =>
  (await live.until(`/sys/proc/${pid}`, ({ usage }) => Object.hasOwn((usage as object | undefined) ?? {}, 'file-size')))
    .usage

async function expectScansGoOn(): Promise<void> {
  const later = await startForTest('fd-hog', [0, 5])
  await live.until(`/sys/proc/${later.pid}`, ({ pid }) => pid === later.pid)
  const ready = () => fetch(`${live.url}/readyz`)
  await until(ready, ({ status }) => status === 200)
}

test('a file that is open for writing has the size that is known', async () => {
  const pid = await begin('write')
  expect(await sizeOf(pid)).toMatchObject({ 'file-size': 4096 })
  await expectScansGoOn()
})

test.each([
  ['in the code of the file', 'code'],
  ['for a lock in the file, whose page is not in memory', 'words'],
  ['with its list of robust mutexes in the file', 'list'],
  ['for a page of the file', 'fault'],
])('a deadlock is detected beside a thread that waits %s', async (_, how) => {
  const pid = await begin(how)
  const own = (entries: unknown) =>
    (entries as readonly Entry[] | undefined)?.find(({ members }) =>
      members[0]?.path.startsWith(`/sys/proc/${pid}/thread/`),
    )
  const { entries } = await live.until('/sys/deadlocks', ({ entries }) => own(entries) !== undefined)
  expect(own(entries)).toMatchObject({ kind: 'detected' })
  expect(own(entries)?.members).toHaveLength(2)
  await expectScansGoOn()
})

test('a thread that waits for a lock in the file says why its owner is unknown', async () => {
  const pid = await begin('words')
  const { entries } = await live.until(`/sys/proc/${pid}/thread`, ({ entries }) =>
    JSON.stringify(entries ?? []).includes('the file system may not answer'),
  )
  expect((entries as { why?: string }[]).filter(({ why }) => why?.includes('may not answer'))).toHaveLength(1)
})

/** Threads of real programs that wait for locks, as the tree shows them. */

import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { compile, type Program } from '../support/programs.ts'
import { startForTest } from '../support/running.ts'

let live: Live

beforeAll(async () => {
  live = await Live.start()
})

afterAll(async () => {
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

async function begin(name: string, ...args: readonly (string | number)[]): Promise<Program> {
  return startForTest(name, args)
}

async function printed(program: Program): Promise<{ path: string; address: string }> {
  const [tid = '', address = ''] = (await program.line()).split(' ')
  return { path: `/sys/proc/${program.pid}/thread/${tid}`, address }
}

/** The kernel or a filter of system calls may refuse io_uring. */
function isIoUringOff(): boolean {
  return spawnSync(compile('locks'), ['polled'], { input: '' }).status === 3
}

const showsOn = (path: string, state: string, key: string) =>
  live.until(path, (thread) => thread.state === state && Object.hasOwn((thread.on as object | undefined) ?? {}, key))

test.each(['normal', 'recursive', 'robust'])(
  'two threads that want each other’s %s mutex show it and its owner',
  async (kind) => {
    const program = await begin('locks', 'ring', kind, 2)
    const [one, other] = [await printed(program), await printed(program)]
    const shown = await showsOn(one.path, 'MUTEX', 'owner')
    expect(shown).not.toHaveProperty('certain')
    expect(shown).not.toHaveProperty('why')
    expect(shown.on).toEqual({ mutex: one.address, owner: other.path })
    expect((await showsOn(other.path, 'MUTEX', 'owner')).on).toEqual({ mutex: other.address, owner: one.path })
  },
)

test.skipIf(isIoUringOff())(
  'a thread that the kernel adds for io_uring hides no deadlock and has no stack',
  async () => {
    const program = await begin('locks', 'polled', 'normal', 2)
    const [one, other] = [await printed(program), await printed(program)]
    expect((await showsOn(one.path, 'MUTEX', 'owner')).on).toEqual({ mutex: one.address, owner: other.path })
    expect((await showsOn(other.path, 'MUTEX', 'owner')).on).toEqual({ mutex: other.address, owner: one.path })
    await live.until(
      '/sys/deadlocks',
      ({ entries }) =>
        JSON.stringify(entries).includes(`${one.path}"`) && JSON.stringify(entries).includes('"detected"'),
    )
    const workerIn = ({ entries }: Record<string, unknown>) =>
      (entries as { name: string; why?: string; usage: object }[]).find(({ name }) => name.startsWith('iou'))
    // It runs until it has been without work for a while.
    const reply = await live.until(
      `/sys/proc/${program.pid}/thread`,
      (read) => workerIn(read)?.why?.includes('works for the kernel') === true,
    )
    expect(workerIn(reply)?.usage).not.toHaveProperty('stack')
  },
)

test('a thread that joins another one shows that thread', async () => {
  const program = await begin('locks', 'mix')
  const [owner, wanting] = [await printed(program), await printed(program)]
  expect((await showsOn(owner.path, 'JOIN', 'thread')).on).toEqual({ thread: wanting.path })
})

test('an owner that has ended is shown as ended', async () => {
  const program = await begin('locks', 'orphan')
  const [owner, wanting] = [await printed(program), await printed(program)]
  const { on } = await showsOn(wanting.path, 'MUTEX', 'ownerState')
  expect(on).toEqual({ mutex: wanting.address, owner: owner.path, ownerState: 'DEAD' })
})

test('a writer’s read-write lock is shown as likely', async () => {
  const program = await begin('locks', 'ring', 'rwlock', 2)
  const [one, other] = [await printed(program), await printed(program)]
  const shown = await showsOn(one.path, 'MUTEX', 'owner')
  expect(shown).toMatchObject({ certain: false, why: expect.stringContaining('read-write lock') })
  expect(shown.on).toEqual({ rwlock: one.address, owner: other.path })
})

test('a wait for a condition is an uncertain CONDVAR with the reason', async () => {
  const { pid } = await begin('busy-locks', 'pool')
  const { entries } = (await live.until(
    `/sys/proc/${pid}/thread`,
    ({ entries }) =>
      (entries as { state: string | null }[] | undefined)?.some(({ state }) => state === 'CONDVAR') ?? false,
  )) as { entries: Record<string, unknown>[] }
  const waiting = entries.find(({ state }) => state === 'CONDVAR')
  expect(waiting).toMatchObject({ certain: false, why: expect.stringContaining('semaphore') })
})

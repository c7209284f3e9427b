/** Deadlocks of real programs, and waits that are no deadlock. */

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import type { Program } from '../support/programs.ts'
import { startForTest } from '../support/running.ts'
import type { CloudEvent, Watcher } from '../support/service.ts'

let live: Live
let watcher: Watcher

beforeAll(async () => {
  live = await Live.start()
  watcher = await live.watch('/sys?types=deadlock.*')
})

afterAll(async () => {
  watcher.socket.close()
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

async function begin(
  name: string,
  args: readonly (string | number)[],
  under: readonly string[] = [],
): Promise<Program> {
  return startForTest(name, args, { under })
}

const childOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ')[0])

interface Member {
  readonly path: string
  readonly state: string
  readonly object: string
  readonly owner: string
}

const membersOf = ({ data }: CloudEvent) => data.members as readonly Member[]

/** The first event of this type with exactly these threads as members. */
async function eventWith(type: string, paths: readonly string[]): Promise<CloudEvent> {
  const isIt = (event: CloudEvent) =>
    event.type === type && paths.every((path) => membersOf(event).some((member) => member.path === path))
  return (await watcher.until(isIt)).find(isIt)!
}

async function printed(program: Program, count: number) {
  const threads: { path: string; address: string }[] = []
  while (threads.length < count) {
    const [tid = '', address = ''] = (await program.line()).split(' ')
    threads.push({ path: `/sys/proc/${program.pid}/thread/${tid}`, address })
  }
  return threads
}

describe('a deadlock is detected', () => {
  test.each([
    ['normal', 2],
    ['recursive', 2],
    ['errorcheck', 2],
    ['adaptive', 2],
    ['robust', 2],
    ['normal', 3],
    ['normal', 10],
    ['robust', 1],
  ] as const)('in a ring of %s mutexes of %i threads', async (kind, count) => {
    const program = await begin('locks', ['ring', kind, count])
    const threads = await printed(program, count)
    const event = await eventWith(
      'deadlock.detected',
      threads.map(({ path }) => path),
    )
    const members = membersOf(event)
    expect(members).toHaveLength(count)
    // In the order of the ring, each with the object it waits for and that object's owner.
    for (const [place, { path, state, object, owner }] of members.entries()) {
      expect(state).toBe('MUTEX')
      expect(object).toBe(threads.find((thread) => thread.path === path)!.address)
      expect(owner).toBe(members[(place + 1) % count]!.path)
    }
    expect(event.about?.split(',')).toEqual(expect.arrayContaining(threads.map(({ path }) => path)))
    const text = await (await fetch(`${live.url}${event.subject}?format=text`)).text()
    for (const { path, address } of threads) {
      expect(text).toContain(path)
      expect(text).toContain(address)
    }
    const listed = await (await fetch(`${live.url}/sys/deadlocks?format=text`)).text()
    expect(listed).toContain(threads[0]!.path)
    await program.stop()
    await watcher.until(({ type, subject }) => type === 'deadlock.resolved' && subject === event.subject)
  })

  test('between two processes that share mutexes', async () => {
    const program = await begin('locks', ['shared', 'normal'])
    const tids = [await program.line(), await program.line()].map((line) => line.split(' ')[0]!)
    const [parent, child] = [program.pid, childOf(program.pid)]
    const paths = [`/sys/proc/${parent}/thread/${tids[0]}`, `/sys/proc/${child}/thread/${tids[1]}`]
    expect(membersOf(await eventWith('deadlock.detected', paths))).toHaveLength(2)
  })

  test('among threads that join one another', async () => {
    const program = await begin('locks', ['joins', 3])
    const threads = await printed(program, 3)
    const event = await eventWith(
      'deadlock.detected',
      threads.map(({ path }) => path),
    )
    expect(membersOf(event).map(({ state }) => state)).toEqual(['JOIN', 'JOIN', 'JOIN'])
  })

  test.each([
    ['of the glibc here', 'normal'],
    ['as of glibc up to 2.32', 'old'],
    ['as of glibc since 2.43', 'new'],
  ])('in a cycle of a mutex and a join %s', async (_, how) => {
    const program = await begin('locks', ['mix', how])
    const threads = await printed(program, 2)
    const event = await eventWith(
      'deadlock.detected',
      threads.map(({ path }) => path),
    )
    expect(
      membersOf(event)
        .map(({ state }) => state)
        .sort(),
    ).toEqual(['JOIN', 'MUTEX'])
  })

  test('inside a pid namespace', async () => {
    const outer = await begin('locks', ['ring', 'normal', 2], ['unshare', '--pid', '--fork'])
    const inside = [(await outer.line()).split(' ')[0]!, (await outer.line()).split(' ')[0]!]
    // Its threads have other ids in there: the reported ones are ours.
    const prefix = `/sys/proc/${childOf(outer.pid)}/thread/`
    const isIt = (event: CloudEvent) =>
      event.type === 'deadlock.detected' && membersOf(event).every(({ path }) => path.startsWith(prefix))
    const event = (await watcher.until(isIt)).find(isIt)!
    expect(membersOf(event)).toHaveLength(2)
    for (const { path } of membersOf(event)) {
      expect((await fetch(`${live.url}${path}`)).status).toBe(200)
      expect(inside).not.toContain(path.slice(prefix.length))
    }
  })
})

test('a thread that waits for its own mutex is suspected while another thread could unlock it, and detected otherwise', async () => {
  const ring = await begin('locks', ['ring', 'normal', 1])
  const [likely] = await printed(ring, 1)
  expect((await eventWith('deadlock.suspected', [likely!.path])).data.reason).toBe('own-mutex')
  const alone = await begin('locks', ['own'])
  const [certain] = await printed(alone, 1)
  expect(membersOf(await eventWith('deadlock.detected', [certain!.path]))).toHaveLength(1)
})

test('a deadlock that a debugger stops and continues stays one deadlock', async () => {
  const program = await begin('locks', ['ring', 'normal', 2])
  const threads = await printed(program, 2)
  const event = await eventWith(
    'deadlock.detected',
    threads.map(({ path }) => path),
  )
  const allAre = (state: string) =>
    Promise.all(threads.map(({ path }) => live.until(path, (thread) => thread.state === state)))
  process.kill(program.pid, 'SIGSTOP')
  await allAre('STOPPED')
  process.kill(program.pid, 'SIGCONT')
  await allAre('MUTEX')
  // Events of a report come before the thread is shown in its new state.
  expect(watcher.events.filter(({ subject }) => subject === event.subject)).toEqual([event])
  expect((await fetch(`${live.url}${event.subject}`)).status).toBe(200)
})

test('a mutex whose owner has ended makes an orphan', async () => {
  const program = await begin('locks', ['orphan'])
  const [, waiting] = await printed(program, 2)
  const event = await eventWith('deadlock.orphaned', [waiting!.path])
  expect(membersOf(event)).toMatchObject([{ ownerState: 'DEAD' }])
  expect(await (await fetch(`${live.url}${event.subject}?format=text`)).text()).toContain(' had when it ended, since ')
})

describe('a deadlock is suspected', () => {
  test('for priority-inheriting mutexes, whose last wait is only likely', async () => {
    const program = await begin('locks', ['ring', 'pi', 2])
    const threads = await printed(program, 2)
    const event = await eventWith(
      'deadlock.suspected',
      threads.map(({ path }) => path),
    )
    expect(event.data.reason).toBe('pi-stack')
  })

  test('for priority-inheriting mutexes, even if the mutex that the last thread wanted is unknown', async () => {
    const program = await begin('locks', ['ring', 'pi-hidden', 2])
    const threads = await printed(program, 2)
    const isIt = (event: CloudEvent) =>
      event.type === 'deadlock.suspected' && membersOf(event)[0]!.path.startsWith(`/sys/proc/${program.pid}/`)
    const event = (await watcher.until(isIt)).find(isIt)!
    const victims = event.data.victims as readonly Member[]
    expect([...membersOf(event), ...victims].map(({ path }) => path).sort()).toEqual(
      threads.map(({ path }) => path).sort(),
    )
    expect(event.data.reason).toBe('pi-stack')
  })

  test('for read-write locks', async () => {
    const program = await begin('locks', ['ring', 'rwlock', 2])
    const threads = await printed(program, 2)
    const event = await eventWith(
      'deadlock.suspected',
      threads.map(({ path }) => path),
    )
    expect(event.data.reason).toBe('rwlock-writer')
  })

  test('in a program of another language in which every thread waits without timeout', async () => {
    const program = await begin('lock-pair.py', ['all'])
    const event = await eventWith('deadlock.suspected', [`/sys/proc/${program.pid}/thread/${program.pid}`])
    expect(event.data.reason).toBe('closed-set')
  })

  test('in one that handles only faults of its own threads, as every program in Rust does', async () => {
    const program = await begin('lock-pair.py', ['all', 'SIGSEGV', 'SIGBUS'])
    const event = await eventWith('deadlock.suspected', [`/sys/proc/${program.pid}/thread/${program.pid}`])
    expect(event.data.reason).toBe('closed-set')
  })
})

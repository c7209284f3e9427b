/** The connector worker on this machine, with real processes. */

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ServiceClock } from '../../../../src/runtime/clock.ts'
import type { ConnectorMessage, ProcessEvent } from '../../../../src/sources/linux/protocol.ts'
import { startConnector } from '../../../../src/sources/linux/workers.ts'
import type { Program } from '../../../support/programs.ts'
import { startForTest } from '../../../support/running.ts'
import { MessageLog } from './message-log.ts'

type Life<What> = Extract<ProcessEvent, { what: What }>

const log = new MessageLog<ConnectorMessage>()
const connector = startConnector({ clockOffset: new ServiceClock().offset }, log.add, log.fail)

const run = async (name: string, args: readonly (string | number)[] = []): Promise<Program> => {
  return startForTest(name, args)
}

const life = <What extends ProcessEvent['what']>(
  what: What,
  holds: (event: Life<What>) => boolean,
): Promise<Life<What>> => {
  const isIt = (event: ProcessEvent): event is Life<What> => event.what === what
  return log.until((message) =>
    message.type === 'events'
      ? message.events.find((event): event is Life<What> => isIt(event) && holds(event))
      : undefined,
  )
}

/** Waits for the end of a program that is spawned; resolves with its pid. */
const runToEnd = (command: string, args: readonly string[], signal?: NodeJS.Signals): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'ignore' })
    child.once('error', reject)
    child.once('spawn', () => {
      if (signal) child.kill(signal)
    })
    child.once('exit', () => resolve(child.pid ?? 0))
  })

beforeAll(async () => {
  await log.until((message) => (message.type === 'listening' ? true : undefined))
})
afterAll(() => connector.stop())

describe('the connector worker', () => {
  test('reports a birth with its parent, and the exit code at the end', async () => {
    const pid = await runToEnd('/bin/sh', ['-c', 'exit 3'])
    expect(await life('fork', (event) => event.pid === pid)).toMatchObject({ parent: process.pid, kernelThread: false })
    expect(await life('exit', (event) => event.pid === pid)).toMatchObject({ tid: pid, code: 3, signal: null })
  })

  test('reports the signal that ended a process', async () => {
    const killed = await runToEnd('/bin/sleep', ['60'], 'SIGKILL')
    expect(await life('exit', (event) => event.pid === killed)).toMatchObject({ code: null, signal: 'SIGKILL' })
    const terminated = await runToEnd('/bin/sleep', ['60'], 'SIGTERM')
    expect(await life('exit', (event) => event.pid === terminated)).toMatchObject({ signal: 'SIGTERM' })
  })

  test('reports start ticks that agree with stat', async () => {
    const program = await run('hog-memory')
    const fork = await life('fork', (event) => event.pid === program.pid)
    const stat = readFileSync(`/proc/${program.pid}/stat`, 'latin1')
    expect(fork.startTicks).toBe(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]))
  })

  test('reports times of the wall clock', async () => {
    const before = Date.now()
    const pid = await runToEnd('/bin/true', [])
    const { at } = await life('fork', (event) => event.pid === pid)
    expect(at).toBeGreaterThan(before - 50)
    expect(at).toBeLessThan(Date.now() + 50)
  })

  test('reports each exec with the name, path and user', async () => {
    const program = await run('exec-twice')
    program.send('go')
    const pid = Number((await program.line()).split(' ')[1])
    const exec = await life('exec', (event) => event.pid === pid && event.name === 'sleep')
    expect(exec.executable).toMatch(/\/(sleep|coreutils|busybox)$/)
    expect(exec.uid).toBe(process.geteuid?.())
    const executed = log.messages.flatMap((message) =>
      message.type === 'events' ? message.events.filter(({ what, pid: of }) => what === 'exec' && of === pid) : [],
    )
    expect(executed).toHaveLength(2)
  })

  test('distinguishes threads from processes', async () => {
    const program = await run('hog-cpu')
    const tid = Number((await program.line()).split(' ')[1])
    expect(await life('clone', (event) => event.tid === tid)).toMatchObject({ pid: program.pid })
    await program.stop()
    await life('exit', (event) => event.tid === tid && event.pid === program.pid)
  })

  test('reports the end of the leader and of the thread that outlives it', async () => {
    const program = await run('leader-exits')
    const tid = Number((await program.line()).split(' ')[1])
    await life('exit', (event) => event.pid === program.pid && event.tid === program.pid)
    program.send('end')
    expect(await life('exit', (event) => event.tid === tid)).toMatchObject({ pid: program.pid, code: 7 })
  })

  test('reports a name that is not valid UTF-8 with its bytes escaped', async () => {
    const program = await run('weird-name')
    expect(await life('name', (event) => event.pid === program.pid)).toMatchObject({
      tid: program.pid,
      name: 'a) R (b\n\\xffé c',
    })
    program.send('rename')
    await life('name', (event) => event.pid === program.pid && event.name === 'plain')
  })

  test('misses no event of a fork storm', async () => {
    const count = 1000
    const program = await run('fork-storm', [count, 2000])
    program.send('go')
    expect(await program.line()).toBe(`done ${count}`)
    const born = new Set<number>()
    const ended = new Set<number>()
    const all = await log.until((message) => {
      if (message.type !== 'events') return undefined
      for (const event of message.events) {
        if (event.what === 'fork' && event.parent === program.pid) born.add(event.pid)
        if (event.what === 'exit' && born.has(event.pid)) ended.add(event.pid)
      }
      return ended.size === count ? true : undefined
    })
    expect(all).toBe(true)
    expect(log.messages.filter(({ type }) => type === 'lost')).toEqual([])
  })
})

test('a stopped connector reports nothing more and no failure', async () => {
  const other = new MessageLog<ConnectorMessage>()
  const failures: Error[] = []
  const second = startConnector({ clockOffset: new ServiceClock().offset }, other.add, (error) => failures.push(error))
  await other.until((message) => (message.type === 'listening' ? true : undefined))
  await second.stop()
  expect(failures).toEqual([])
})

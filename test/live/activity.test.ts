/** Programs that misbehave in ways that only limits on demand, zombies and restarts show. */

import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cgroups } from '../support/cgroups.ts'
import { Live } from '../support/live.ts'
import { type Program, start } from '../support/programs.ts'

const cgroups = new Cgroups()
const name = `introspectd activity ${process.pid}`
const partition = `/sys/part/${encodeURIComponent(name)}`
// Not below /tmp, which may be in memory: only storage counts.
const directory = mkdtempSync(join(import.meta.dirname, '../.build/writer-'))
let live: Live
let programs: Program[] = []

beforeAll(async () => {
  cgroups.make([name])
  live = await Live.start()
})

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()))
  cgroups.removeAll()
  rmSync(directory, { recursive: true })
  expect(live.output.stderr).toBe('')
  await live.stop()
})

test('thresholds on rates trip for a writer, a page faulter and a program that sleeps for moments', async () => {
  const watcher = await live.watch('/sys?types=threshold.tripped')
  const cases = [
    ['io-write', ['write', join(directory, 'file')], 2 ** 20],
    ['page-faults', ['fault'], 1000],
    ['context-switches', ['switch'], 100],
  ] as const
  await Promise.all(
    cases.map(async ([limit, args, at]) => {
      const program = await start('busy', args)
      programs.push(program)
      const path = `/sys/proc/${program.pid}/${limit}`
      await live.until(`/sys/proc/${program.pid}`, ({ pid }) => pid === program.pid)
      expect(await live.put(`${path}/threshold/hog`, { at })).toMatchObject({ state: 'unknown', value: null })
      await watcher.until(({ subject, data }) => subject === path && Number(data.value) >= at)
    }),
  )
  const [first] = programs
  const idle = `/sys/proc/${live.pid}/io-write`
  // A client that reads a limit on demand has its value a second later.
  expect(await live.get(idle)).toMatchObject({ value: null, unavailable: expect.stringContaining('on demand') })
  await live.until(idle, ({ value }) => typeof value === 'number')
  await first!.stop()
  programs = programs.slice(1)
})

test('children that are not collected count as zombies of their parent and of the machine', async () => {
  const program = await start('busy', ['zombies', 7])
  programs.push(program)
  await program.line()
  await live.until(`/sys/proc/${program.pid}/zombies`, ({ value }) => value === 7)
  const { value, capacity } = await live.get('/sys/zombies')
  expect(Number(value)).toBeGreaterThanOrEqual(7)
  expect(capacity).toBe((await live.get('/sys/processes')).capacity)
  program.send('collect')
  await live.until(`/sys/proc/${program.pid}/zombies`, ({ value: left }) => left === 0)
})

test('pressure of the machine is known a second after it is watched', async () => {
  await live.put('/sys/pressure-cpu/threshold/busy', { at: '90%', for: '1h' })
  const { value } = await live.until('/sys/pressure-cpu', ({ value: now }) => typeof now === 'number')
  expect(Number(value)).toBeLessThanOrEqual(1000)
})

test('a partition has pressure where version 2 has a cgroup with the same processes, else the reason', async () => {
  const path = `${partition}/pressure-cpu`
  const unified = join('/sys/fs/cgroup', cgroups.isUnified ? '' : 'unified', name)
  if (!cgroups.isUnified) {
    await live.until(path, ({ unavailable }) => String(unavailable).includes('version 2'))
    mkdirSync(unified)
  }
  const program = await start('busy', ['switch'])
  try {
    for (const directory of new Set([cgroups.directory('memory', name), unified]))
      writeFileSync(join(directory, 'cgroup.procs'), String(program.pid))
    const { value, capacity } = await live.until(path, ({ value: now }) => typeof now === 'number')
    expect(Number(value)).toBeLessThanOrEqual(1000)
    expect(capacity).toBe(1000)
  } finally {
    await program.stop()
    if (!cgroups.isUnified) rmdirSync(unified)
  }
})

test('a machine without swap has none in use, and no percentage of it', async () => {
  const swap = await live.get('/sys/swap')
  expect(Number(swap.value)).toBeGreaterThanOrEqual(0)
  const { value } = await live.until(`${partition}/swap`, ({ value: now }) => typeof now === 'number')
  expect(value).toBe(0)
  if (swap.value === 0 && swap.capacity === null)
    expect(await live.put('/sys/swap/threshold/x', { at: '50%' })).toMatchObject({ status: 409 })
})

test('a partition that was removed and made again has restarted', async () => {
  await live.until(`${partition}/restarts`, ({ value }) => value === 0)
  await live.put(`${partition}/restarts/threshold/any`, { at: 1 })
  const before = Number((await live.get('/sys/restarts')).value)
  cgroups.remove([name])
  cgroups.make([name])
  await live.until(`${partition}/restarts`, ({ value }) => value === 1)
  expect(Number((await live.get('/sys/restarts')).value)).toBe(before + 1)
})

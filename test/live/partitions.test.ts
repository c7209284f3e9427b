/** Cgroups as partitions: made, entered, nested, left and removed while the service watches. */

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { type Program, start } from '../support/programs.ts'

/** The directory of the hierarchy that partitions are taken from: v2 where it has controllers, else v1 memory. */
const unified = '/sys/fs/cgroup/cgroup.controllers'
const root =
  existsSync(unified) && readFileSync(unified, 'utf8').includes('memory') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory'
const outer = `introspectd test ${process.pid}`
const inner = 'a%b'
const outerPath = `/sys/part/${encodeURIComponent(outer)}`
const innerPath = `${outerPath}/part/${encodeURIComponent(inner)}`

let live: Live
let program: Program

beforeAll(async () => {
  live = await Live.start()
  program = await start('fd-hog', [1, 60])
})

afterAll(async () => {
  await program.stop()
  for (const names of [[outer, inner], [outer]]) if (existsSync(join(root, ...names))) rmdirSync(join(root, ...names))
  expect(live.output.stderr).toBe('')
  await live.stop()
})

const moveTo = (...names: string[]) => writeFileSync(join(root, ...names, 'cgroup.procs'), String(program.pid))

test('a process is followed through nested cgroups, with its usage and the thresholds there', async () => {
  const watcher = await live.watch('/sys?types=partition.*,process.changed,threshold.*')
  mkdirSync(join(root, outer))
  mkdirSync(join(root, outer, inner))
  await watcher.until(({ type, subject }) => type === 'partition.created' && subject === innerPath)
  const made = watcher.events.filter(({ type }) => type === 'partition.created').map(({ subject }) => subject)
  expect(made.filter((path) => path.startsWith(outerPath))).toEqual([outerPath, innerPath])
  expect(await live.get(`${outerPath}/processes`)).toMatchObject({ value: 0 })

  const each = `${outerPath}/fds/threshold/each`
  expect(await live.put(each, { at: 50, per: 'process' })).toMatchObject({ state: 'armed', nodes: 0 })
  const within = await live.watch(innerPath)
  moveTo(outer, inner)
  const changed = ({ type, subject }: { type: string; subject: string }) =>
    type === 'process.changed' && subject === `/sys/proc/${program.pid}`
  await watcher.until(changed)
  expect(watcher.events.find(changed)?.data).toMatchObject({ what: 'partition', partition: innerPath })
  await watcher.until(({ type }) => type === 'threshold.tripped')
  expect(watcher.events.find(({ type }) => type === 'threshold.tripped')).toMatchObject({
    subject: `/sys/proc/${program.pid}/fds`,
    about: `${each},${innerPath}`,
  })
  await within.until(({ type }) => type === 'threshold.tripped')
  expect(await live.get(`${outerPath}/proc`)).toMatchObject({ entries: [{ pid: program.pid, partition: innerPath }] })
  const [own, sum] = [await live.get(`/sys/proc/${program.pid}/fds`), await live.get(`${outerPath}/fds`)]
  expect(sum.value).toBe(own.value)
  expect((await live.get(`${innerPath}/proc/${program.pid}`)).path).toBe(`/sys/proc/${program.pid}`)

  writeFileSync(join(root, 'cgroup.procs'), String(program.pid))
  await watcher.until(({ type }) => type === 'threshold.cleared')
  expect(watcher.events.find(({ type }) => type === 'threshold.cleared')?.data).toMatchObject({ reason: 'filtered' })
  expect((await live.get(`/sys/proc/${program.pid}`)).partition).toBeNull()
  expect(await live.get(`${outerPath}/fds`)).toMatchObject({ value: 0 })

  rmdirSync(join(root, outer, inner))
  rmdirSync(join(root, outer))
  await watcher.until(({ type, subject }) => type === 'partition.died' && subject === outerPath)
  const ended = watcher.events.filter(({ type, subject }) => type === 'partition.died' && subject.startsWith(outerPath))
  expect(ended.map(({ subject }) => subject)).toEqual([innerPath, outerPath])
  expect((await live.get(outerPath)).status).toBe(404)
  expect((await live.get('/sys/thresholds')).entries).toMatchObject([{ path: each, state: 'waiting' }])

  await fetch(`${live.url}${each}`, { method: 'DELETE' })
  expect((await live.get('/sys/thresholds')).entries).toEqual([])
})

test('a threshold waits for a cgroup that comes later, and again each time that the cgroup is removed', async () => {
  const watcher = await live.watch('/sys?types=threshold.*,partition.*')
  const own = `${outerPath}/processes/threshold/some`
  expect(await live.put(own, { at: 1 })).toMatchObject({ state: 'waiting', value: null })
  for (let round = 1; round <= 2; round++) {
    mkdirSync(join(root, outer))
    moveTo(outer)
    // Other tests may make and remove cgroups meanwhile.
    const isOurs = (subject: string) => subject.startsWith(outerPath)
    const count = (wanted: string) =>
      watcher.events.filter(({ type, subject }) => type === wanted && isOurs(subject)).length
    await watcher.until(() => count('threshold.tripped') === round)
    expect(await live.get(own)).toMatchObject({ state: 'tripped', value: 1 })
    writeFileSync(join(root, 'cgroup.procs'), String(program.pid))
    await watcher.until(() => count('threshold.cleared') === round)
    rmdirSync(join(root, outer))
    await watcher.until(() => count('partition.died') === round)
    expect(await live.get(own)).toMatchObject({ state: 'waiting', value: null })
  }
  await fetch(`${live.url}${own}`, { method: 'DELETE' })
  watcher.socket.close()
})

/** Directories with the limits of a partition, by controller: one in version 2, one each in version 1. */
const controllers = ['memory', 'pids', 'cpu'] as const
const isUnified = root === '/sys/fs/cgroup'
const directoryOf = (controller: string, name: string) =>
  isUnified ? join(root, name) : join('/sys/fs/cgroup', controller, name)
const maxima = isUnified
  ? { memory: ['memory.max', '67108864'], pids: ['pids.max', '50'], cpu: ['cpu.max', '150000 100000'] }
  : { memory: ['memory.limit_in_bytes', '67108864'], pids: ['pids.max', '50'], cpu: ['cpu.cfs_quota_us', '150000'] }

test('the limits of a cgroup are the capacities of its partition, and percentages follow them', async () => {
  const name = `introspectd limits ${process.pid}`
  const path = `/sys/part/${encodeURIComponent(name)}`
  const directories = [...new Set(controllers.map((controller) => directoryOf(controller, name)))]
  const member = await start('fd-hog', [1, 1])
  try {
    for (const directory of directories) mkdirSync(directory)
    for (const controller of controllers) {
      const [file, value] = maxima[controller] as [string, string]
      writeFileSync(join(directoryOf(controller, name), file), value)
    }
    for (const directory of directories) writeFileSync(join(directory, 'cgroup.procs'), String(member.pid))
    await live.until(`${path}/threads`, ({ capacity }) => capacity === 50)
    expect(await live.get(`${path}/memory`)).toMatchObject({ capacity: 67_108_864 })
    expect(await live.get(`${path}/memory-free`)).toMatchObject({ capacity: 67_108_864 })
    expect(await live.get(`${path}/cpu`)).toMatchObject({ capacity: 1500 })
    expect(await live.put(`${path}/threads/threshold/many`, { at: '2%' })).toMatchObject({
      state: 'tripped',
      capacity: 50,
    })
    writeFileSync(join(directoryOf('pids', name), 'pids.max'), 'max')
    await live.until(`${path}/threads`, ({ capacity }) => capacity === null)
    expect(await live.get(`${path}/threads/threshold/many`)).toMatchObject({ state: 'tripped', capacity: null })
    writeFileSync(join(directoryOf('pids', name), 'pids.max'), '1000')
    await live.until(`${path}/threads`, ({ capacity }) => capacity === 1000)
    expect(await live.get(`${path}/threads/threshold/many`)).toMatchObject({ state: 'armed', capacity: 1000 })
  } finally {
    await member.stop()
    for (const directory of directories) if (existsSync(directory)) rmdirSync(directory)
  }
})

/** Names that cgroups and programs may choose: the kernel's own mark for deleted files, bytes, and text direction. */

import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cgroups } from '../support/cgroups.ts'
import { Live } from '../support/live.ts'

const { root } = new Cgroups()
const own = `introspectd ${process.pid}`
/** Cgroups as bytes, with the names that partitions have. */
const cgroups = [
  [Buffer.from(`${own} (deleted)`), `${own} (deleted)`],
  [Buffer.concat([Buffer.from(own), Buffer.from([0x20, 0xff, 0xc3])]), `${own} \\xff\\xc3`],
  [Buffer.from(`${own} ü\u202e`), `${own} ü\u202e`],
] as const
// The kernel takes the first 15 bytes as the name of the process.
const program = new URL(`../.build/${process.pid}/a\u202ebc (deleted)`, import.meta.url)
const programPath = decodeURIComponent(program.pathname)
const children: ChildProcess[] = []
let live: Live

const pathOf = (name: Buffer) => Buffer.concat([Buffer.from(`${root}/`), name])

beforeAll(async () => {
  live = await Live.start()
  mkdirSync(dirname(programPath), { recursive: true })
  copyFileSync('/bin/sleep', programPath)
  for (const [bytes] of cgroups) {
    mkdirSync(pathOf(bytes))
    const child = spawn(programPath, ['60'])
    children.push(child)
    writeFileSync(Buffer.concat([pathOf(bytes), Buffer.from('/cgroup.procs')]), String(child.pid))
  }
})

afterAll(async () => {
  for (const child of children) {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  for (const [bytes] of cgroups) if (existsSync(pathOf(bytes))) rmdirSync(pathOf(bytes))
  rmSync(dirname(programPath), { recursive: true, force: true })
  await live.stop()
})

test('each cgroup is one partition, in which its process is, whatever bytes its name has', async () => {
  for (const [place, [, name]] of cgroups.entries()) {
    const path = `/sys/part/${encodeURIComponent(name)}`
    const { pid } = children[place]!
    await live.until(`/sys/proc/${pid}`, ({ partition }) => partition === path)
    expect(await live.get(`${path}/processes`)).toMatchObject({ value: 1 })
    await live.until(`${path}/memory`, ({ value }) => typeof value === 'number')
  }
  const { entries } = await live.get('/sys/part')
  const names = (entries as { name: string }[]).map(({ name }) => name).filter((name) => name.startsWith(own))
  expect(names.sort()).toEqual(cgroups.map(([, name]) => name).sort())
})

test('an executable whose name ends like the mark of a deleted file has its whole name', async () => {
  const { pid } = children[0]!
  const process = await live.until(`/sys/proc/${pid}`, ({ executable }) => executable !== null)
  expect(process.executable).toBe(programPath)
  rmSync(programPath)
  expect((await live.get(`/sys/proc/${pid}`)).executable).toBe(programPath)
})

test('characters that change the direction of text are escaped for terminals, and raw for programs', async () => {
  const { pid } = children[0]!
  const textOf = async (path: string, headers = {}) => (await fetch(`${live.url}${path}`, { headers })).text()
  const [table, document, pretty, compact] = [
    await textOf('/sys/proc?format=text'),
    await textOf(`/sys/proc/${pid}?format=text`),
    await textOf(`/sys/proc/${pid}`, { 'user-agent': 'curl/8' }),
    await textOf(`/sys/proc/${pid}`),
  ]
  for (const text of [table, document, pretty]) {
    expect(text).toContain('a\\u202ebc')
    expect(text).not.toContain('\u202e')
  }
  expect(compact).toContain('a\u202ebc')
  expect(JSON.parse(pretty).name).toBe(JSON.parse(compact).name)
})

/** Tests `introspectd simulate` with its real arguments, files, output and exit codes. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pathOf, shipped } from '../scenario/support.ts'
import { runHere } from '../support/command-line.ts'
import { run } from '../support/live.ts'

const main = new URL('../../src/main.ts', import.meta.url).pathname

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'introspectd-')), 'scenario.yaml')
  writeFileSync(path, text)
  return path
}

const simple = (expected: string): string => `title: simple
processes: { a: { threads: { main: [{ ChannelCreate: }, { sleep: { random: [1ms, 1h] } }] } } }
run: 24h
expect: { usage: { $a/channels: ${expected} } }
`

test('every shipped scenario meets its expectations, prints one line, and the exit code is 0', async () => {
  const { code, stdout, stderr } = await run(['simulate', '--quiet', ...shipped.map(pathOf)])
  expect([code, stdout]).toEqual([0, ''])
  const lines = stderr.trimEnd().split('\n')
  expect(lines.map((line) => line.split(': ').slice(0, 2).join(': '))).toEqual(
    shipped.map((name) => `${pathOf(name)}: met`),
  )
})

test('prints one CloudEvent a line; times begin in 1970, and sequences at 1 for each file', async () => {
  const path = pathOf('join-loop.yaml')
  const { code, stdout } = await runHere(['simulate', path, path])
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(code).toBe(0)
  expect(events[0]).toMatchObject({
    specversion: '1.0',
    id: '00000000000000000001',
    sequence: '00000000000000000001',
    source: '/net/model',
    type: 'process.created',
    subject: '/sys/proc/1',
    time: '1970-01-01T00:00:00.000Z',
  })
  const half = events.length / 2
  expect(events.slice(half)).toEqual(events.slice(0, half))
  const numbers = Array.from({ length: half }, (_, place) => String(place + 1).padStart(20, '0'))
  expect(events.slice(0, half).map(({ sequence }) => sequence)).toEqual(numbers)
})

test('a scenario that is not met prints each difference and its place; the others still run, and the exit code is 1', async () => {
  const [good, bad] = [file(simple('1')), file(simple('2'))]
  const { code, stderr } = await runHere(['simulate', '--quiet', bad, good])
  expect(code).toBe(1)
  const [first, second, third] = stderr.split('\n')
  expect(first).toMatch(new RegExp(`^${bad}: NOT MET: simple \\(2 calls, \\d+ events, \\d+ms\\)$`))
  expect(second).toBe(`  ${bad}:4:20: $a/channels: value: expected 2, got 1`)
  expect(third).toContain(`${good}: met: simple`)
})

test('with an invalid file no scenario runs, and the exit code is 2', async () => {
  const [good, wrong] = [file(simple('1')), file(simple('1').replace('sleep', 'slep'))]
  const { code, stdout, stderr } = await runHere(['simulate', good, wrong, '/nowhere.yaml', tmpdir()])
  expect([code, stdout]).toEqual([2, ''])
  const lines = stderr.trimEnd().split('\n')
  expect(lines).toEqual([
    expect.stringMatching(new RegExp(`^${wrong}:2:59: there is no call slep; there are sleep, repeat, `)),
    expect.stringMatching(/^\/nowhere\.yaml: cannot be read: ENOENT/),
    expect.stringMatching(new RegExp(`^${tmpdir()}: cannot be read: EISDIR`)),
  ])
})

test('--seed takes precedence over the seed of the file', async () => {
  const path = file(simple('1'))
  const outputs = await Promise.all(
    [['--seed', '1'], ['--seed', '2'], []].map(async (seed) => (await runHere(['simulate', ...seed, path])).stdout),
  )
  expect(outputs[0]).toBe(outputs[2])
  expect(outputs[0]).not.toBe(outputs[1])
})

test.each([
  [['simulate'], /file/],
  [['simulate', '--seed', 'x', 'a.yaml'], /seed/],
  [['simulate', '--seed', '4294967296', 'a.yaml'], /seed/],
  [['simulate', '--sed', '1', 'a.yaml'], /sed/],
])('%j is refused with one clear line and exit code 1', async (args, reason) => {
  const { code, stdout, stderr } = await runHere(args)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(reason)
  expect(stderr).toMatch(/^introspectd: .*\n$/)
})

test('still prints its result when its output is closed, as by head', async () => {
  const path = file(`title: loud
processes: { a: { threads: { main: [{ repeat: 5000, steps: [{ sleep: 1ms }] }] } } }
`)
  const child = spawn(process.execPath, [main, 'simulate', path], { stdio: ['ignore', 'pipe', 'pipe'] })
  let result = ''
  child.stderr.on('data', (chunk: Buffer) => {
    result += chunk.toString()
  })
  // The output is larger than a pipe's buffer, so the command notices the closed pipe.
  child.stdout.once('data', () => child.stdout.destroy())
  const [code] = (await once(child, 'close')) as [number]
  expect(result).toMatch(/^.*: met: loud \(5000 calls, \d+ events, \d+ms\)\n$/)
  expect(code).toBe(0)
})

const path = (name: string): string => join(mkdtempSync(join(tmpdir(), 'introspectd-')), name)

test('--save writes the final state, and --state starts another run from it', async () => {
  const saved = path('state.json')
  const scenario = pathOf('join-loop.yaml')
  expect(await runHere(['simulate', '--quiet', '--save', saved, scenario])).toMatchObject({ code: 0 })
  const { processes, now } = JSON.parse(readFileSync(saved, 'utf8')) as { processes: object[]; now: number }
  const { code, stdout } = await runHere(['simulate', '--state', saved, scenario])
  const [first] = stdout.split('\n').map((line) => (line === '' ? null : (JSON.parse(line) as Record<string, unknown>)))
  expect(code).toBe(0)
  expect(first).toMatchObject({ subject: `/sys/proc/${processes.length + 1}`, time: new Date(now).toISOString() })
})

test('an invalid state, or one that cannot be saved, is reported with its place, and the exit code is 2', async () => {
  const wrong = path('wrong.json')
  writeFileSync(wrong, '{"path":"/sys/state","version":9}')
  const scenario = pathOf('join-loop.yaml')
  expect(await runHere(['simulate', '--state', wrong, scenario])).toEqual({
    code: 2,
    stdout: '',
    stderr: `${wrong}: /version: only a state of version 3 can be loaded here\n`,
  })
  const lost = await runHere(['simulate', '--quiet', '--save', '/nowhere/state.json', scenario])
  expect([lost.code, lost.stderr]).toEqual([2, expect.stringContaining('/nowhere/state.json: ENOENT')])
  const two = await runHere(['simulate', '--save', wrong, scenario, scenario])
  expect([two.code, two.stderr]).toEqual([1, expect.stringContaining('--save works with one scenario')])
})

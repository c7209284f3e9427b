/** A machine on which no owners of locks can be read: every form of the replies says so. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { whyNoOwners } from '../../src/sources/linux/scan/kernel-features.ts'
import { Live, run } from '../support/live.ts'

const fixtures = new URL('../fixtures/', import.meta.url).pathname
const reason = /^owners of locks are not read, so no deadlock is found: the processes are not named by ids/
let live: Live

beforeAll(async () => {
  // The processes of another machine.
  live = await Live.start(['--proc-root', `${fixtures}proc`, '--cgroup-root', `${fixtures}cgroup`])
})

afterAll(async () => {
  expect(await live.stop()).toBe(0)
})

const textOf = async (path: string) => (await fetch(`${live.url}${path}`)).text()

test.each(['/sys/deadlocks', '/sys/limits'])('%s is incomplete as JSON and as text', async (path) => {
  for (const query of ['', '?pretty', '?fields=path', '?limit=1'])
    expect(await live.get(`${path}${query}`)).toMatchObject({ path, incomplete: expect.stringMatching(reason) })
  expect(await textOf(`${path}?format=text`)).toMatch(/\nIncomplete: owners of locks are not read.*\n$/)
})

test('other lists are complete', async () => {
  expect(await live.get('/sys/states')).not.toHaveProperty('incomplete')
})

test('readiness does not depend on it, and its checks name it', async () => {
  expect((await fetch(`${live.url}/readyz`)).status).toBe(200)
  expect(await textOf('/readyz?verbose')).toMatch(/^\[-\] deadlocks: owners of locks are not read/m)
})

test('the commands print it', async () => {
  for (const command of ['deadlocks', 'limits', 'status'])
    expect((await run([command, '--url', live.url])).stdout).toContain('owners of locks are not read')
})

test.each([
  ['arm64', true, true, 'their layouts are known on x86-64 only, and this is arm64'],
  ['x64', false, true, 'the kernel collects no scheduling statistics'],
  ['x64', true, false, 'the processes are not named by ids'],
])('on %s, with scheduling statistics: %s, and own ids: %s', (arch, schedstatWorks, ownNamespace, why) => {
  expect(whyNoOwners({ schedstatWorks, ownNamespace }, arch)).toContain(why)
})

test('they can be read on x86-64 with scheduling statistics', () => {
  expect(whyNoOwners({ schedstatWorks: true, ownNamespace: true }, 'x64')).toBeNull()
})

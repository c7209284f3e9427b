/** The example controllers at work, for a short while; `npm run flock` is the long run. */

import { expect, onTestFinished, test } from 'vitest'
import { check, type Run } from '../flock/check.ts'
import { Flock } from '../flock/flock.ts'

const without = (run: Run, controller: string, line: (line: string) => boolean): Run => {
  const logs = new Map(run.logs)
  logs.set(
    controller,
    logs.get(controller)!.filter((each) => !line(each)),
  )
  return { ...run, logs }
}

test('three controllers restart a flock while they and the service are killed, and miss no event', async () => {
  const flock = new Flock()
  onTestFinished(() => flock.end())
  const { run, verdict, kills } = await flock.run({ ms: 20_000, everyMs: 3000, say: () => {} })
  expect(verdict.faults).toEqual([])
  expect(kills).toBeGreaterThan(2)
  // Each controller had something of each kind to do.
  for (const controller of ['ts', 'py', 'sh']) {
    const own = verdict.offences.filter(({ name }) => name.startsWith(`${controller}-`))
    const types = ['deadlock.detected', 'deadlock.orphaned', 'threshold.tripped']
    expect([controller, [...new Set(own.map(({ type }) => type))].sort()]).toEqual([controller, types])
  }

  // The check would have found errors: the same run with errors added fails.
  const { sequence, identity, name } = verdict.offences[0]!
  const owner = name.slice(0, 2)
  expect(check(without(run, owner, (line) => line.startsWith(`seen ${sequence} `))).faults).toEqual([
    expect.stringContaining(`${owner} missed ${sequence}`),
    expect.stringContaining(`${owner} did not receive`),
  ])
  const remaining = { pid: 0, name, identity }
  expect(check({ ...run, alive: [...run.alive, remaining] }).faults).toContainEqual(
    expect.stringContaining('still there'),
  )
  const healthy = run.alive.find((process) => process.name === 'sh-healthy')!
  const another = { pid: 0, name: 'sh-healthy', identity: 'another' }
  expect(check({ ...run, alive: [...run.alive, another] }).faults).toEqual([
    'sh-healthy runs 2 times',
    'sh-healthy was 2 processes',
  ])
  const [event] = run.events.filter(({ type }) => type === 'process.died')
  const killed = { ...event, sequence: run.cutoff, data: { ...event!.data, ...healthy } } as Run['events'][number]
  expect(check({ ...run, events: [...run.events, killed] }).faults).toContainEqual(
    expect.stringContaining('without an offence'),
  )
}, 120_000)

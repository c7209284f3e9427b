/** Random calls by random callers: every response is below 500, and a refused call changes nothing visible. */

import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KernelCallName, kernelCallNames } from '../../src/model/calls/table.ts'
import { callArguments } from '../../src/tree/calls.ts'
import { ModelService } from '../support/model-service.ts'

let service: ModelService

beforeAll(async () => {
  service = await new ModelService().start()
})

afterAll(() => service.stop())

const junk = fc.oneof(
  fc.constantFrom<unknown>(null, '', -1, 1.5, 2 ** 40, '1', [], {}, true, 'SIGNONE', '__proto__', 'a\u0000b'),
  fc.jsonValue(),
)
const small = fc.integer({ min: 0, max: 4 })
const argument: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  ...Object.fromEntries(
    ['pid', 'tid', 'chid', 'coid', 'rcvid', 'timerid', 'fd', 'uid', 'status', 'code', 'value'].map((id) => [id, small]),
  ),
  name: fc.constantFrom('a', 'b', '/shared'),
  mutex: fc.constantFrom('a', 'b', '/shared'),
  condvar: fc.constantFrom('c', '/c'),
  semaphore: fc.constantFrom('s', 'a'),
  type: fc.constantFrom('mutex', 'condvar', 'semaphore'),
  kind: fc.constantFrom('plain', 'recursive', 'error-checking'),
  signal: fc.constantFrom('SIGUSR1', 'SIGRTMIN+1', 'SIGSTOP', 'SIGCONT'),
  signals: fc.constant(['SIGUSR1']),
  mask: fc.constant([]),
  how: fc.constantFrom('block', 'unblock', 'set'),
  action: fc.constantFrom('default', 'ignore', 'handle'),
  states: fc.constant(['SEND', 'MUTEX']),
  after: fc.constantFrom('0ms', '10ms'),
  every: fc.constant('5ms'),
  for: fc.constantFrom('0ms', '10ms'),
  notify: fc.constantFrom({ signal: 'SIGUSR1' }, { pulse: { coid: 1, code: 1 } }),
  rlimit: fc.constantFrom('nofile', 'as', 'fsize'),
  soft: fc.integer({ min: 0, max: 2000 }),
  error: fc.constant('EBUSY'),
  path: fc.constant('/tmp/x'),
  pages: small,
  bytes: fc.constantFrom(0, 100, 1_000_000),
  us: fc.constant(1000),
  priority: fc.integer({ min: 1, max: 255 }),
  msg: fc.string(),
}
const argumentsOf = (name: unknown): readonly string[] =>
  kernelCallNames.some((known) => known === name) ? Object.keys(callArguments[name as KernelCallName].shape) : []

const call = fc
  .record({
    call: fc.oneof({ weight: 20, arbitrary: fc.constantFrom<unknown>(...kernelCallNames) }, junk),
    args: fc.record(argument),
    omitted: fc.subarray(Object.keys(argument), { maxLength: 3 }),
    spoil: fc.option(fc.tuple(fc.constantFrom(...Object.keys(argument)), junk), { freq: 6 }),
  })
  .map(({ call: name, args, omitted, spoil }) => ({
    call: name,
    ...Object.fromEntries(
      Object.entries(args as Record<string, unknown>).filter(
        ([key]) => argumentsOf(name).includes(key) && !omitted.includes(key),
      ),
    ),
    ...(spoil && { [spoil[0]]: spoil[1] }),
  }))

/** Finds a thread that can call, or creates one. */
async function ready(): Promise<[number, number]> {
  for (const process of service.machine.kernel.processes.values())
    for (const { tid, condition } of process.threads.values())
      if (condition.state === 'READY' || condition.state === 'RUNNING') return [process.pid, tid]
  return [(await service.post('/sys/proc', { name: 'one' })).body.pid as number, 1]
}

const withoutStates = (text: string): string => text.replaceAll(/"state":("[A-Z]+"|\{[^}]*\}),/g, '')

test('random calls get a response below 500, and a refused call changes nothing', async () => {
  const done = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.option(fc.tuple(small, small), { freq: 4 }), call, async (unready, body) => {
      const [pid, tid] = unready === null ? await ready() : unready
      const before = await (await service.fetch('/sys?depth=3')).text()
      const { status, body: answer } = await service.post(`/sys/proc/${pid}/thread/${tid}/call`, body)
      expect(status).toBeLessThan(500)
      if (status < 400) {
        done.add(String(body.call))
        return
      }
      expect(answer.type).toMatch(/^urn:introspectd:problem:/)
      const after = await (await service.fetch('/sys?depth=3')).text()
      // A call that timed out was not refused: it waited, if only for 0 ms, and its thread is ready again.
      if (answer.errno === 'ETIMEDOUT') expect(withoutStates(after)).toBe(withoutStates(before))
      else expect(after).toBe(before)
    }),
    { numRuns: 1500 },
  )
  // Guards against a run in which hardly any call succeeds.
  expect(done.size).toBeGreaterThan(kernelCallNames.length / 4)
})

test('random lines of calls get a response below 500 each', async () => {
  const line = fc.oneof(
    fc.tuple(small, small, call).map(([pid, tid, body]) => ({ caller: `/sys/proc/${pid}/thread/${tid}`, ...body })),
    fc.record({ call: fc.constantFrom('create', 'createThread', 'move', 'advance', 'putPartition'), pid: small }),
    fc.record({ call: fc.constant('create'), name: fc.constant('more') }),
    fc.record({ call: fc.constant('advance'), advance: fc.constantFrom('1ms', '10ms', 'x') }),
    junk,
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 20 }), async (lines) => {
      const answers = await service.calls(lines.map((one) => JSON.stringify(one)).join('\n'))
      for (const answer of answers) {
        const isAnswer = 'returned' in answer || 'blocked' in answer || 'errno' in answer
        expect(isAnswer || (answer.problem as { status: number }).status < 500).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

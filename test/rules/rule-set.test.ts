/** Tests rules in a service: what they set, what they leave alone, and their reload over HTTP. */

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ModelService } from '../support/model-service.ts'
import { Service } from '../support/service.ts'

let directory: string
let service: Service

const write = (text: string, name = 'web.yaml') => writeFileSync(join(directory, name), text)
const sources = () => ({ configFile: null, configKeys: [], directory })
const reload = () => service.send('POST', '/sys/rules/reload')
const at = (line: number, name = 'web.yaml') => `${join(directory, name)}:${line}`
const entries = async (path: string) =>
  ((await service.get(path)).body.entries as Record<string, unknown>[]).map(({ path: of, owner, state, reason }) =>
    Object.fromEntries(Object.entries({ path: of, owner, state, reason }).filter(([, value]) => value !== undefined)),
  )
const thresholds = () => entries('/sys/thresholds')

async function serve(text: string): Promise<void> {
  write(text)
  service = await new Service({ rules: sources() }).start()
  service.app.restore()
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-rules-'))
})

afterEach(async () => {
  await service.stop()
  rmSync(directory, { recursive: true })
})

test('rules are set at start with their file and line as owner, and follow their file at a reload', async () => {
  await serve(
    'thresholds:\n  /sys/fds/threshold/a: 5\n  /sys/part/web/fds/threshold/b: 7\ntimeouts:\n  /sys/timeout: 1s\n',
  )
  expect(await thresholds()).toEqual([
    { path: '/sys/fds/threshold/a', owner: at(2), state: expect.any(String) },
    { path: '/sys/part/web/fds/threshold/b', owner: at(3), state: 'waiting' },
  ])
  expect((await service.get('/sys/timeout')).body).toMatchObject({ after: '1000ms', owner: at(5) })
  expect(await entries('/sys/rules')).toEqual([
    { path: '/sys/fds/threshold/a', state: 'set' },
    { path: '/sys/part/web/fds/threshold/b', state: 'set' },
    { path: '/sys/timeout', state: 'set' },
  ])
  write('# moved\n\nthresholds:\n  /sys/part/web/fds/threshold/b: 8\n  /sys/fds/threshold/c: 9\n')
  expect((await reload()).body).toMatchObject({ ok: true, set: 2, unchanged: 0, removed: 2, refused: 0 })
  expect(await thresholds()).toMatchObject([{ path: '/sys/fds/threshold/c' }, { owner: at(4), state: 'waiting' }])
  expect((await service.get('/sys/timeout')).body).toMatchObject({ holds: null })
})

test('a rule that only moved in its file is the same threshold: no event, no second event with once', async () => {
  await serve('thresholds:\n  /sys/fds/threshold/a: 5 once=true\n')
  const process = service.bench.process(42)
  service.bench.observe(process, 'fds', 6)
  const tripped = () => service.bench.events.filter(({ type }) => type.startsWith('threshold.'))
  expect(tripped()).toMatchObject([{ type: 'threshold.tripped' }])
  const { etag } = Object.fromEntries((await service.get('/sys/fds/threshold/a')).headers)
  write('# a line more\nthresholds:\n  /sys/fds/threshold/a: 5 once=true\n')
  expect((await reload()).body).toMatchObject({ set: 0, unchanged: 1 })
  expect(await thresholds()).toMatchObject([{ owner: at(3), state: 'tripped' }])
  expect(tripped()).toHaveLength(1)
  expect((await service.get('/sys/fds/threshold/a')).headers.get('etag')).toBe(etag)
})

test('a threshold or timeout of a rule refuses PUT and DELETE with its file and line', async () => {
  await serve('thresholds:\n  /sys/fds/threshold/a: 5\ntimeouts:\n  /sys/timeout: 1s\n')
  for (const [path, body, line] of [
    ['/sys/fds/threshold/a', { at: 6 }, 2],
    ['/sys/timeout', { after: '2s' }, 4],
  ] as const) {
    for (const answer of [await service.put(path, body), await service.send('DELETE', path)]) {
      expect(answer.status).toBe(409)
      expect(answer.body).toMatchObject({ type: 'urn:introspectd:problem:owned-by-rule', rule: at(line) })
      expect(answer.body.detail).toContain(`${at(line)} sets this`)
    }
  }
  expect((await service.put('/sys/fds/threshold/a?dry-run', { at: 6 })).status).toBe(409)
  expect((await service.put('/sys/fds/threshold/b', { at: 6 })).status).toBe(201)
})

test('a rule never replaces or removes what was set by hand, and is refused alone', async () => {
  await serve('thresholds:\n  /sys/fds/threshold/b: 5\n')
  await service.put('/sys/fds/threshold/a', { at: 100 })
  await service.put('/sys/timeout', { after: '2s' })
  write('thresholds:\n  /sys/fds/threshold/a: 5\n  /sys/fds/threshold/b: 6\ntimeouts:\n  /sys/timeout: 1s\n')
  expect((await reload()).body).toMatchObject({ ok: true, set: 1, refused: 2 })
  expect(await entries('/sys/rules')).toMatchObject(
    [
      { path: '/sys/fds/threshold/a', state: 'refused', reason: /was set by hand/ },
      { path: '/sys/fds/threshold/b', state: 'set' },
      { path: '/sys/timeout', state: 'refused' },
    ].map((row) => ({ ...row, ...('reason' in row && { reason: expect.stringMatching(row.reason!) }) })),
  )
  expect((await service.get('/sys/fds/threshold/a')).body).toMatchObject({ at: 100, owner: null })
  const ready = await (await service.fetch('/readyz?verbose')).text()
  expect(ready).toContain('[-] rules: 3 from files; 2 could not be set: see /sys/rules\n')
  // The rule leaves the file, and the threshold that was set by hand stays.
  write('')
  expect((await reload()).body).toMatchObject({ removed: 1 })
  expect(await thresholds()).toMatchObject([{ path: '/sys/fds/threshold/a' }])
})

test('a rule that this machine cannot satisfy is refused with the reason, and its former definition goes', async () => {
  await serve('thresholds:\n  /sys/fds/threshold/a: 5\n  /sys/fds/threshold/b: 5\n')
  write('thresholds:\n  /sys/fds/threshold/a: 50%\n  /sys/fds/threshold/b: 5\n  /sys/channels/threshold/c: 1\n')
  expect((await reload()).body).toMatchObject({ ok: true, unchanged: 1, refused: 2 })
  expect(await thresholds()).toMatchObject([{ path: '/sys/fds/threshold/b' }])
  const [one, two] = await entries('/sys/rules')
  expect(one!.reason).toMatch(/not on this source/)
  expect(two!.reason).toMatch(/no finite capacity/)
})

test('with a fault in one file nothing changes, and the answer names every line', async () => {
  await serve('thresholds:\n  /sys/fds/threshold/a: 5\n')
  write('thresholds:\n  /sys/fds/threshold/a: 6\n')
  write('thresholds:\n  /sys/fdz/threshold/b: 6\n  /sys/fds/threshold/b: -6\n', 'zzz.yml')
  const answer = await reload()
  expect(answer.status).toBe(409)
  expect(answer.body).toMatchObject({
    type: 'urn:introspectd:problem:invalid-rules',
    errors: [{ file: join(directory, 'zzz.yml'), line: 2 }, { line: 3 }],
  })
  expect((await service.get('/sys/fds/threshold/a')).body).toMatchObject({ at: 5 })
  expect((await service.get('/sys/rules/reload')).body).toMatchObject({ ok: false, faults: [{ line: 2 }, { line: 3 }] })
  expect(await (await service.fetch('/readyz?verbose')).text()).toContain('the last reload found 2 faults')
})

test('two rules for one pathname are a fault of the second', async () => {
  await serve('thresholds:\n  /sys/fds/threshold/a: 5\n')
  write('thresholds:\n  /sys/fds/threshold/%61: 6\n', 'more.yaml')
  write('not read', '.hidden.yaml')
  write('not read', 'notes.txt')
  expect((await reload()).body.errors).toEqual([
    {
      file: join(directory, 'web.yaml'),
      line: 2,
      detail: `/sys/fds/threshold/a has a rule already at ${at(2, 'more.yaml')}`,
    },
  ])
})

test('a device or pipe among the files is a fault, and is not read', async () => {
  await serve('thresholds:\n  /sys/fds/threshold/a: 5\n')
  symlinkSync('/dev/zero', join(directory, 'endless.yaml'))
  expect((await reload()).body.errors).toMatchObject(
    [{ line: 0, detail: /not a regular file/ }].map((fault) => ({
      ...fault,
      detail: expect.stringMatching(fault.detail),
    })),
  )
})

test('a ttl counts from each reload, and an expired rule says so until the next', async () => {
  await serve('thresholds:\n  /sys/fds/threshold/a: { at: 5, ttl: 1s }\n')
  const { kernel } = service.bench
  kernel.update(kernel.now + 900, () => kernel.notifier.expire(kernel.now))
  await reload()
  kernel.update(kernel.now + 900, () => kernel.notifier.expire(kernel.now))
  expect(await entries('/sys/rules')).toMatchObject([{ state: 'set' }])
  kernel.update(kernel.now + 200, () => kernel.notifier.expire(kernel.now))
  expect(await entries('/sys/rules')).toMatchObject([{ state: 'expired' }])
  expect((await reload()).body).toMatchObject({ set: 1 })
})

test('the rules apply to a state of the model that a client loads', async () => {
  write('thresholds:\n  /sys/channels/threshold/a: 5\n')
  const model = await new ModelService({ rules: sources() }).start()
  try {
    model.app.restore()
    const state = (await model.get('/sys/state')).body
    write('')
    await model.send('POST', '/sys/rules/reload')
    // The state has the threshold of a rule that is in no file any more.
    await model.put('/sys/state', state)
    expect((await model.get('/sys/thresholds')).body.entries).toEqual([])
    write('thresholds:\n  /sys/channels/threshold/b: 5\n')
    await model.send('POST', '/sys/rules/reload')
    await model.put('/sys/state', state)
    expect((await model.get('/sys/thresholds')).body.entries).toMatchObject([{ path: '/sys/channels/threshold/b' }])
  } finally {
    await model.stop()
  }
  await serve('')
})

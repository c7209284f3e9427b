/** Default deadlock timers over HTTP: setting them, the warnings they emit, and the wait chains of threads. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ModelService } from '../support/model-service.ts'

let service: ModelService

beforeEach(async () => {
  service = await new ModelService().start()
})

afterEach(() => service.stop())

const lines = (...all: object[]): string => all.map((line) => `${JSON.stringify(line)}\n`).join('')

/**
 * Lines that create a process whose second thread waits for the mutex of its first. For a loop, the first also waits
 * for the second to end.
 */
const contention = (pid: number, isLoop = false): string =>
  lines(
    { call: 'create', name: 'late' },
    { call: 'createThread', pid },
    { caller: `/sys/proc/${pid}/thread/1`, call: 'SyncMutexLock', mutex: 'm' },
    { caller: `/sys/proc/${pid}/thread/2`, call: 'SyncMutexLock', mutex: 'm' },
    ...(isLoop ? [{ caller: `/sys/proc/${pid}/thread/1`, call: 'ThreadJoin', tid: 2 }] : []),
  )

test('one timer set once warns of processes that start later, in each canonical state', async () => {
  await service.put('/sys/timeout', { after: '500ms' })
  const watcher = await service.watch('/sys?types=deadlock.*')
  await service.calls(
    contention(1, true) +
      lines(
        { call: 'create', name: 'server' },
        { call: 'create', name: 'client' },
        { caller: '/sys/proc/2/thread/1', call: 'ChannelCreate' },
        { caller: '/sys/proc/3/thread/1', call: 'ConnectAttach', pid: 2, chid: 1 },
        { caller: '/sys/proc/3/thread/1', call: 'MsgSend', coid: 1 },
      ),
  )
  await service.post('/sys/clock', { advance: '499ms' })
  await service.post('/sys/clock', { advance: '1ms' })
  const warnings = (await watcher.until(3)).filter(({ type }) => type === 'deadlock.warning')
  expect(warnings.map(({ subject, data }) => [subject, data.state, data.timeout])).toEqual([
    ['/sys/proc/1/thread/2', 'MUTEX', '/sys/timeout'],
    ['/sys/proc/1/thread/1', 'JOIN', '/sys/timeout'],
    ['/sys/proc/3/thread/1', 'SEND', '/sys/timeout'],
  ])
})

describe('a timeout', () => {
  test('is created, shown, changed and deleted, with ETags', async () => {
    const made = await service.put('/sys/timeout', { after: '1.5s' })
    expect([made.status, made.body]).toEqual([
      201,
      {
        path: '/sys/timeout',
        holds: '/sys/timeout',
        states: ['SEND', 'MUTEX', 'JOIN'],
        after: '1500ms',
        owner: null,
        warned: [],
      },
    ])
    const etag = made.headers.get('etag')!
    expect((await service.put('/sys/timeout', { after: '1500ms' })).status).toBe(200)
    const shown = await service.get('/sys/timeout')
    expect([shown.body, shown.headers.get('etag')]).toEqual([made.body, etag])
    expect((await service.put('/sys/timeout', { after: '2s' }, { 'if-match': '"0"' })).status).toBe(412)
    expect((await service.put('/sys/timeout', { after: '2s' }, { 'if-none-match': '*' })).status).toBe(412)
    expect((await service.put('/sys/timeout', { after: '2s' }, { 'if-match': etag })).status).toBe(200)
    expect((await service.fetch('/sys/timeout', { method: 'DELETE', headers: { 'if-match': etag } })).status).toBe(412)
    expect((await service.fetch('/sys/timeout', { method: 'DELETE' })).status).toBe(204)
    expect((await service.fetch('/sys/timeout', { method: 'DELETE' })).status).toBe(404)
    const none = await service.get('/sys/timeout')
    expect([none.body, none.headers.get('etag')]).toEqual([
      { path: '/sys/timeout', holds: null, states: [], after: null, owner: null, warned: [] },
      null,
    ])
  })

  test('is shown below the node it is set on, with the threads it has warned of', async () => {
    await service.calls(lines({ call: 'putPartition', partition: '/sys/part/a', pools: {} }) + contention(1))
    await service.put('/sys/timeout', { after: '10ms' })
    await service.post('/sys/clock', { advance: '10ms' })
    expect((await service.get('/sys/proc/1/timeout')).body).toMatchObject({
      path: '/sys/proc/1/timeout',
      holds: '/sys/timeout',
      after: '10ms',
      warned: ['/sys/proc/1/thread/2'],
    })
    expect((await service.get('/sys/part/a/timeout')).body).toMatchObject({ holds: '/sys/timeout', warned: [] })
    await service.put('/sys/proc/1/timeout', { states: [] })
    expect((await service.get('/sys/proc/1/timeout')).body).toMatchObject({ holds: '/sys/proc/1/timeout', after: null })
  })

  test('accepts plain text as curl sends it', async () => {
    const put = (body: string) =>
      service.fetch('/sys/timeout', { method: 'PUT', body, headers: { 'content-type': 'text/plain' } })
    expect((await put('500ms\n')).status).toBe(201)
    expect((await put('2s states=SEND,REPLY')).status).toBe(200)
    expect((await service.get('/sys/timeout')).body).toMatchObject({ states: ['SEND', 'REPLY'], after: '2000ms' })
    for (const body of ['', '500ms all', '500ms states=SEND states', 'soon']) expect((await put(body)).status).toBe(400)
  })

  test.each([
    [{}, '/after', 'how long'],
    [{ after: '0ms' }, '/after', 'a duration'],
    [{ after: 'soon' }, '/after', 'a duration'],
    [{ after: '25h' }, '/after', 'a duration'],
    [{ after: 500 }, '/after', 'expected string'],
    [{ after: '1s', states: ['RUNNING'] }, '/states/0', 'RUNNING is transient'],
    [{ after: '1s', states: ['NET_SEND'] }, '/states/0', 'NET_SEND is a wait on another machine'],
    [{ after: '1s', states: ['DEAD'] }, '/states/0', 'DEAD is no wait in a call'],
    [{ after: '1s', states: ['MUTEXX'] }, '/states/0', 'there is no state MUTEXX'],
    [{ after: '1s', per: 'thread' }, '/per', 'no such field'],
  ])('refuses %j', async (body, pointer, detail) => {
    const { status, body: problem } = await service.put('/sys/timeout', body)
    expect([status, (problem.errors as { pointer: string }[]).map((error) => error.pointer)]).toEqual([400, [pointer]])
    expect((problem.errors as { detail: string }[])[0]!.detail).toContain(detail)
    expect((await service.get('/sys/timeout')).body).toMatchObject({ holds: null })
  })

  test.each([
    ['application/x-www-form-urlencoded', 'hello', '/after', 'a duration from'],
    ['application/x-www-form-urlencoded', 'null', '/after', 'a duration from'],
    ['application/x-www-form-urlencoded', '"500ms"', '/after', 'a duration from'],
    ['text/plain', '[]', '/after', 'a duration from'],
    ['application/json', 'null', '', 'a JSON object is expected, received null'],
    ['application/json', '[]', '', 'a JSON object is expected, received array'],
    ['application/json', '"500ms"', '', 'a JSON object is expected, received string'],
  ])('as %s %s is refused, and the problem names the accepted forms', async (type, body, pointer, detail) => {
    const { status, body: problem } = await service.put('/sys/timeout', body, { 'content-type': type })
    expect([status, problem.type]).toEqual([400, 'urn:introspectd:problem:invalid-body'])
    expect(problem.detail).toBe('a JSON object is expected, or text such as 500ms or 2s states=SEND,MUTEX')
    expect(problem.errors).toEqual([{ pointer, detail: expect.stringContaining(detail) }])
    expect((await service.get('/sys/timeout')).body).toMatchObject({ holds: null })
  })

  test('cannot be set on a thread or on a process that does not exist', async () => {
    await service.calls(contention(1))
    expect((await service.put('/sys/proc/1/thread/1/timeout', { after: '1s' })).status).toBe(404)
    expect((await service.put('/sys/proc/9/timeout', { after: '1s' })).status).toBe(404)
    const other = { 'if-process': 'model-9-9' }
    expect((await service.put('/sys/proc/1/timeout', { after: '1s' }, other)).status).toBe(412)
  })
})

describe('wait', () => {
  const text = async (path: string) => (await service.fetch(path)).text()

  test('shows the chain of a thread and its end', async () => {
    await service.calls(contention(1))
    const { body } = await service.get('/sys/proc/1/thread/2/wait')
    expect(body).toEqual({
      path: '/sys/proc/1/thread/2/wait',
      chain: [
        {
          path: '/sys/proc/1/thread/2',
          name: 'thread-2',
          state: 'MUTEX',
          object: 'm',
          owner: '/sys/proc/1/thread/1',
          since: '1970-01-01T00:00:00.000Z',
        },
      ],
      end: { how: 'runs', thread: '/sys/proc/1/thread/1', state: 'READY' },
      deadlocks: [],
    })
    expect(await text('/sys/proc/1/thread/2/wait?format=text')).toBe(
      `/sys/proc/1/thread/2 (thread-2) waits for mutex m, which /sys/proc/1/thread/1 has, since 1970-01-01T00:00:00.000Z
/sys/proc/1/thread/1 is READY: it can run.
`,
    )
  })

  test('shows a loop as JSON, as text and as a drawing', async () => {
    await service.calls(contention(1, true))
    expect((await service.get('/sys/proc/1/thread/2/wait')).body).toMatchObject({
      end: { how: 'loop', thread: '/sys/proc/1/thread/2' },
    })
    expect((await service.get('/sys/wait')).body).toMatchObject({ waiting: 2, omitted: 0 })
    expect(await text('/sys/wait?format=text')).toBe(
      `2 waiting, as far as it is traced:
/sys/proc/1/thread/1 (late) waits for /sys/proc/1/thread/2 to end, since 1970-01-01T00:00:00.000Z
/sys/proc/1/thread/2 (thread-2) waits for mutex m, which /sys/proc/1/thread/1 has, since 1970-01-01T00:00:00.000Z
`,
    )
    expect(await text('/sys/wait?format=dot')).toBe(
      `digraph wait {
  rankdir=LR
  node [shape=box]
  "/sys/proc/1/thread/1" [label="late\\n/sys/proc/1/thread/1"]
  "/sys/proc/1/thread/2" [label="thread-2\\n/sys/proc/1/thread/2"]
  "/sys/proc/1/thread/1" -> "/sys/proc/1/thread/2" [label="JOIN"]
  "/sys/proc/1/thread/2" -> "/sys/proc/1/thread/1" [label="MUTEX m"]
}
`,
    )
    const mermaid = await service.fetch('/sys/proc/1/wait', { headers: { accept: 'text/vnd.mermaid' } })
    expect(mermaid.headers.get('content-type')).toBe('text/vnd.mermaid; charset=utf-8')
    expect(await mermaid.text()).toBe(
      `flowchart LR
  n0["late<br>/sys/proc/1/thread/1"]
  n1["thread-2<br>/sys/proc/1/thread/2"]
  n0 -->|"JOIN"| n1
  n1 -->|"MUTEX m"| n0
`,
    )
  })

  test('shows for a client the process whose threads may reply, and the likely one', async () => {
    await service.calls(
      lines(
        { call: 'create', name: 'server' },
        { call: 'createThread', pid: 1 },
        { call: 'create', name: 'client' },
        { caller: '/sys/proc/1/thread/1', call: 'ChannelCreate' },
        { caller: '/sys/proc/2/thread/1', call: 'ConnectAttach', pid: 1, chid: 1 },
        { caller: '/sys/proc/2/thread/1', call: 'MsgSend', coid: 1 },
        { caller: '/sys/proc/1/thread/2', call: 'MsgReceive', chid: 1 },
      ),
    )
    const { body } = await service.get('/sys/proc/2/thread/1/wait')
    expect(body.end).toEqual({ how: 'any', process: '/sys/proc/1', threads: 2, likely: '/sys/proc/1/thread/2' })
    expect(await text('/sys/proc/2/wait?format=dot')).toContain(
      '"/sys/proc/2/thread/1" -> "/sys/proc/1/thread/2" [label="most likely" style=dashed]',
    )
  })

  test('shows for a victim the deadlock that it leads to', async () => {
    await service.calls(
      contention(1, true) +
        lines({ call: 'createThread', pid: 1 }, { caller: '/sys/proc/1/thread/3', call: 'SyncMutexLock', mutex: 'm' }),
    )
    const { body } = await service.get('/sys/deadlocks')
    const [deadlock] = body.entries as { path: string }[]
    for (const tid of [1, 2, 3])
      expect((await service.get(`/sys/proc/1/thread/${tid}/wait`)).body.deadlocks).toEqual([deadlock!.path])
    expect(await text('/sys/proc/1/thread/3/wait?format=text')).toContain(`See ${deadlock!.path}.`)
  })

  test('is available as a drawing nowhere else', async () => {
    expect((await service.fetch('/sys?format=dot')).status).toBe(406)
    expect((await service.fetch('/sys', { headers: { accept: 'text/vnd.graphviz' } })).status).toBe(406)
  })
})

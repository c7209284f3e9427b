/** Uses of the client that must compile, and uses that must not. A test compiles this file; it is never run. */

import { Client, type Notice, ProblemError, type Process, type Reply } from '../../src/client/client.ts'

const client = new Client('http://localhost:7007', { token: 'sixteen characters' })

/** A pathname is typed by its segments, even if some of them are known only at run time. */
export async function reads(pid: number, name: string): Promise<Process[]> {
  const { body, cursor } = await client.get('/sys/proc', { query: { depth: 2 } })
  const after: string = cursor
  const value: number | null = (await client.get(`/sys/proc/${pid}/fds`)).body.value
  const tid: number = (await client.get('/sys/part/a/part/b/proc/42/thread/43')).body.tid
  const state: 'armed' | 'tripped' | 'unknown' | 'disabled' | 'waiting' = (
    await client.get(`/sys/part/${encodeURIComponent(name)}/part/x/memory/threshold/low`)
  ).body.state
  const threads: number | undefined = body.entries[0]?.usage.threads
  const unknown: unknown = (await client.get(name)).body
  const system: Reply<'/sys'> = (await client.get('/sys')).body
  const { events, next } = (await client.get('/events', { query: { types: 'process.*', limit: 10 } })).body
  const behind: number | null = (await client.get(`/subscriptions/${encodeURIComponent(name)}`)).body.behind
  console.log(events[0]?.type satisfies string | undefined, next satisfies string | null, behind)
  console.log(after, value, tid, state, threads, unknown, system.directories)

  // @ts-expect-error There is no such path.
  await client.get('/sys/prc')
  // @ts-expect-error There is no such limit.
  await client.get('/sys/proc/42/fdss')
  // @ts-expect-error Threads do not have this limit.
  await client.get('/sys/proc/42/thread/43/processes')
  // @ts-expect-error A document has no depth.
  await client.get('/sys/deadlocks/1', { query: { depth: 1 } })
  // @ts-expect-error A path begins with a slash.
  await client.get('sys')
  return body.entries
}

export async function writes({ pid, identity }: Process): Promise<void> {
  const { status, body, etag } = await client.put(
    `/sys/proc/${pid}/fds/threshold/leak`,
    { at: '80%', note: 'it leaks' },
    { ifProcess: identity, ifNoneMatch: '*' },
  )
  await client.put(`/sys/proc/${pid}/timeout`, { after: '500ms', states: ['MUTEX', 'JOIN'] }, { ifProcess: identity })
  await client.post(`/sys/proc/${pid}/signal`, { signal: 'SIGKILL' }, { ifProcess: identity, timeoutMs: 1000 })
  const { body: nothing } = await client.delete('/sys/fds/threshold/all', etag === null ? {} : { ifMatch: etag })
  const none: undefined = nothing
  console.log(status, body.state, none)
  const { body: lines } = await client.post('/sys/calls', '{"call":"create","name":"server"}\n')
  const text: string = lines
  console.log(text)

  await client.put('/subscriptions/ha-1', { cursor: '1' })
  await client.delete('/subscriptions/ha-1')

  // @ts-expect-error There is no such field.
  await client.put('/sys/fds/threshold/all', { att: 100 })
  // @ts-expect-error A process is not deleted.
  await client.delete('/sys/proc/42')
  // @ts-expect-error Nothing is sent without a signal.
  await client.post('/sys/proc/42/signal', {})
}

export async function watches(signal: AbortSignal): Promise<void> {
  const onNotice = (notice: Notice) => console.log(notice.what)
  const events = client.watch('/sys', { types: ['threshold.*', 'process.died', 'events.lost'], signal, onNotice })
  for await (const event of events) {
    if (event.type === 'process.died') console.log(event.data.code satisfies number | null, event.sequence)
    else if (event.type === 'threshold.tripped') console.log(event.data.initial satisfies boolean)
    else if (event.type === 'state') console.log(event.body.node satisfies string, event.cursor)
    // @ts-expect-error These types are not selected.
    else if (event.type === 'thread.died') console.log()
    // @ts-expect-error Bookmarks are not selected.
    else if (event.type === 'bookmark') console.log()
  }
  for await (const event of client.watch('/sys/proc/42', { bookmarks: true, after: '1', durable: 'ha-1' }))
    if (event.type === 'bookmark') console.log(event.data.cursor)

  // @ts-expect-error There is no such event.
  client.watch('/sys', { types: ['threshold.triped'] })
}

export const reasonOf = (error: unknown): string | undefined =>
  error instanceof ProblemError ? error.problem.errors?.[0]?.detail : undefined

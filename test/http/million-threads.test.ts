/** A million threads in one modelled process of a real service process: thresholds still trip at the exact count. */

import { expect, test } from 'vitest'
import { Live } from '../support/live.ts'

const many = 1_000_000

const calls = async ({ url }: Live, body: string): Promise<Response> =>
  fetch(`${url}/sys/calls`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body })

/** Reads the last line of an answer that is too long to store. */
async function lastLine(response: Response): Promise<unknown> {
  let tail = ''
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) tail = (tail + piece).slice(-1_000)
  return JSON.parse(tail.trimEnd().split('\n').at(-1)!)
}

test(`${many} threads are created through /sys/calls, and thresholds at four levels trip exactly`, async () => {
  const live = await Live.start(['--source', 'model'])
  try {
    await calls(live, '{"call":"putPartition","partition":"/sys/part/p","pools":{}}\n')
    await calls(live, '{"call":"create","name":"server","partition":"/sys/part/p"}\n')
    const levels = ['/sys/proc/1', '/sys/part/p', '/sys']
    for (const level of levels) await live.put(`${level}/threads/threshold/many`, { at: many })
    await live.put('/sys/proc/1/stack/threshold/deep', { at: 4097, per: 'thread' })
    const watcher = await live.watch('/sys?types=threshold.*')

    // The process was created with its first thread, and the next call creates the last.
    const line = '{"call":"createThread","pid":1}\n'
    const made = await lastLine(await calls(live, line.repeat(many - 2)))
    expect(made).toEqual({ line: many - 2, returned: { tid: many - 1 } })
    expect(await live.get('/sys/threads')).toMatchObject({ value: many - 1 })
    await calls(
      live,
      `${line}{"caller":"/sys/proc/1/thread/777777","call":"enter","bytes":1}
{"caller":"/sys/proc/1/thread/1","call":"ThreadDestroy","tid":777777}
{"caller":"/sys/proc/1/thread/1","call":"ThreadJoin","tid":777777}\n`,
    )
    const last = `${levels.at(-1)}/threads`
    const events = await watcher.until(({ type, subject }) => type === 'threshold.cleared' && subject === last)
    // On a slow machine there may be bookmarks between the events.
    const crossings = events
      .filter(({ type }) => type !== 'bookmark')
      .map(({ type, subject, data }) => [type, subject, data.value])
    expect(crossings).toEqual([
      ...levels.map((level) => ['threshold.tripped', `${level}/threads`, many]),
      ['threshold.tripped', '/sys/proc/1/thread/777777/stack', 4097],
      ['threshold.cleared', '/sys/proc/1/thread/777777/stack', 4097],
      ...levels.map((level) => ['threshold.cleared', `${level}/threads`, many - 1]),
    ])
    watcher.socket.close()
  } finally {
    await live.stop()
  }
}, 300_000)

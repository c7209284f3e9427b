/** Starts a service repeatedly on the same port and directory, and kills it at random moments under load. */

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { journalFile } from '../../../src/journal/data-directory.ts'
import { Random } from '../../../src/scenario/random.ts'
import { Live, LiveError } from '../../support/live.ts'
import { start } from '../../support/programs.ts'
import { until } from '../../support/until.ts'
import { concerns, faultsOf, type StoredRow } from './check.ts'
import { Ledger } from './ledger.ts'
import { Load } from './load.ts'
import { Subscriber } from './subscriber.ts'

export interface KillOptions {
  readonly kills: number
  readonly seed: number
  readonly onKill?: (count: number) => void
}

export interface KillFigures {
  /** Number of kills during the start, before any subscriber was connected. */
  readonly whileStarting: number
  /** Number of events in the journal. */
  readonly stored: number
  /** Number of events received by all subscribers together. */
  readonly sent: number
  readonly acknowledged: number
  readonly faults: readonly string[]
}

/** One of this many kills happens while the service starts. */
const startingEvery = 5
const startingMsMax = 1_500
const servingMsMax = 500
/** Upper bound of the replies that the load must receive before a kill. */
const acknowledgedMax = 12
/** Time for events to arrive at the end. */
const settleMsMax = 20_000

export async function killRepeatedly({ kills, seed, onKill = () => {} }: KillOptions): Promise<KillFigures> {
  const random = new Random(seed)
  const directory = mkdtempSync(join(tmpdir(), 'introspectd-kills-'))
  const args = ['--port', String(await freePort()), '--data', directory]
  const ledger = new Ledger()
  const load = new Load(random, ledger)
  const faults: string[] = []
  const threads = await start('churn', [20])
  let whileStarting = 0
  let subscribers: readonly Subscriber[] | null = null
  let live: Live | null = null
  let listening: Promise<unknown> = Promise.resolve()

  async function serve(): Promise<Live> {
    const serving = await Live.start(args)
    faults.push(...ledger.compare(await thresholdsOf(serving)))
    subscribers ??= subscribersAfter(await cursorOf(serving))
    listening = Promise.all(subscribers.map((subscriber) => subscriber.listen(serving.url)))
    load.begin(serving.url)
    return serving
  }

  try {
    for (let count = 1; count <= kills; count++) {
      if (random.between(1, startingEvery) === 1) {
        await killStarting(args, random.between(0, startingMsMax))
        whileStarting++
      } else {
        live = await serve()
        const enough = ledger.acknowledged + random.between(0, acknowledgedMax)
        await delay(random.between(0, servingMsMax))
        // On a busy machine few requests are answered in that time.
        await until(
          () => ledger.acknowledged,
          (count) => count >= enough,
          { everyMs: 1 },
        )
        await live.stop('SIGKILL')
        live = null
        await Promise.all([load.end(), listening])
      }
      onKill(count)
    }
    live = await serve()
    await load.end()
    const upTo = await cursorOf(live)
    await untilSent(subscribers ?? [], journalOf(directory), upTo)
    await live.stop('SIGTERM')
    live = null
    await listening
    const journal = journalOf(directory)
    const all: readonly Subscriber[] = subscribers ?? []
    faults.push(...faultsOf({ journal, subscribers: all, upTo }))
    const sent = all.reduce((sum, { received }) => sum + received.length, 0)
    return { whileStarting, stored: journal.length, sent, acknowledged: ledger.acknowledged, faults }
  } finally {
    live?.child.kill('SIGKILL')
    await load.end()
    await threads.stop()
    rmSync(directory, { recursive: true })
  }
}

/** Starts a service and kills it after some time, whether it serves yet or not. */
async function killStarting(args: readonly string[], afterMs: number): Promise<void> {
  const ending = new AbortController()
  const starting = Live.start(args, { signal: ending.signal }).catch((error: unknown) => {
    if (!(error instanceof LiveError)) throw error
  })
  await delay(afterMs)
  ending.abort()
  await (await starting)?.ended
}

const subscribersAfter = (after: number): Subscriber[] => [
  new Subscriber({ transport: 'ws', path: '/sys', types: null, after }),
  new Subscriber({ transport: 'sse', path: '/sys', types: null, after }),
  new Subscriber({ transport: 'ws', path: '/sys/proc', types: ['process.*', 'events.lost'], after }),
  new Subscriber({ transport: 'sse', path: `/sys/proc/${process.pid}`, types: ['threshold.*'], after }),
  new Subscriber({ transport: 'ws', path: `/sys/proc/${process.pid}/fds/threshold/t1`, types: null, after }),
]

async function cursorOf({ url }: Live): Promise<number> {
  return Number((await fetch(`${url}/sys`)).headers.get('introspect-cursor'))
}

async function thresholdsOf(live: Live): Promise<Map<string, number>> {
  const { entries } = (await live.get('/sys/thresholds?limit=1000')) as { entries: { path: string; at: number }[] }
  return new Map(entries.map(({ path, at }) => [path, at]))
}

/** Waits until each subscriber has every matching event, or until the time is over. */
async function untilSent(
  subscribers: readonly Subscriber[],
  journal: readonly StoredRow[],
  upTo: number,
): Promise<void> {
  const lastOf = (subscriber: Subscriber): number =>
    journal.findLast(({ sequence, json }) => sequence <= upTo && concerns(json, subscriber))?.sequence ?? 0
  const wanted = subscribers.map((subscriber) => ({ subscriber, last: lastOf(subscriber) }))
  for (const until = performance.now() + settleMsMax; performance.now() < until; await delay(20))
    if (wanted.every(({ subscriber, last }) => subscriber.last >= last)) return
}

function journalOf(directory: string): StoredRow[] {
  const db = new DatabaseSync(journalFile(directory), { readOnly: true })
  try {
    return db
      .prepare('SELECT sequence, event FROM events ORDER BY sequence')
      .all()
      .map(({ sequence, event }) => ({ sequence: Number(sequence), json: String(event) }))
  } finally {
    db.close()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

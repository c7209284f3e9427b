/**
 * A high-availability controller. It starts programs and lets introspectd watch them. It kills and restarts each
 * program that uses too much of a resource or is deadlocked.
 *
 *   node controller.ts URL PROGRAMS CURSOR      (--help explains these)
 *
 * The controller and introspectd may be killed at any moment. At its start the controller reads the present state
 * from the tree. The file CURSOR has the cursor of the last event that it has acted on. So an event may come twice,
 * and none is missed. Acting twice does no harm, because a process is named by its identity, which is never reused.
 *
 * Give the programs unique names. The controller recognises them by name, so it would take another program with the
 * same name for its own, and kill it.
 */

import { spawn } from 'node:child_process'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import {
  Client,
  ProblemError,
  type Process,
  type ServiceEvent,
  UnreachableError,
  type Waiting,
} from 'introspectd/client'

const usage = `usage: controller.ts URL PROGRAMS CURSOR
  URL       of introspectd, such as http://127.0.0.1:7007
  PROGRAMS  file with one program a line: its process name, which is unique, its command, its arguments
  CURSOR    file that stores the cursor of the last event; it need not exist yet`

const [url, programsFile, cursorFile, ...more] = process.argv.slice(2)
if (url === '--help') {
  console.log(usage)
  process.exit(0)
}
if (url === undefined || programsFile === undefined || cursorFile === undefined || more.length > 0) {
  console.error(usage)
  process.exit(2)
}

const client = new Client(url)
const lines = readFileSync(programsFile, 'utf8').split('\n')
const programs = new Map(
  lines.filter((line) => line !== '').map((line) => [line.split(' ')[0]!, line.split(' ').slice(1)]),
)

const tooMuch = {
  fds: { at: 80 },
  memory: { at: 64 * 1024 * 1024 },
  stack: { at: '60%', per: 'thread' },
} as const

/** `identity` is null until introspectd has reported the process. */
type Running = Pick<Process, 'pid'> & { identity: string | null; ticks: string | null }
const running = new Map<string, Running>()

const log = (...words: (string | number | null)[]) => console.log(words.join(' '))

function start(name: string): void {
  const [command, ...args] = programs.get(name)!
  const { pid } = spawn(command!, args, { detached: true, stdio: 'ignore' }).on('error', (error) =>
    log('failed', name, error.message),
  )
  running.set(name, { pid: pid!, identity: null, ticks: ticksOf(pid!) })
  log('started', name, pid!)
}

/** Sets the timer and the thresholds on exactly this process. Does nothing if it has ended. */
async function adopt(name: string, { pid, identity }: Pick<Process, 'pid' | 'identity'>): Promise<void> {
  const ifProcess = { ifProcess: identity }
  const ticks = ticksOf(pid)
  try {
    await client.put(`/sys/proc/${pid}/timeout`, { after: '500ms' }, ifProcess)
    running.set(name, { pid, identity, ticks })
    log('adopted', name, identity)
    for (const limit of ['fds', 'memory', 'stack'] as const) {
      const { body } = await client.put(`/sys/proc/${pid}/${limit}/threshold/controller`, tooMuch[limit], ifProcess)
      if (body.state === 'tripped') await kill(name, identity, 'found tripped')
    }
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

async function kill(name: string, identity: string, why: string): Promise<void> {
  const { pid, ticks } = running.get(name)!
  try {
    await client.post(`/sys/proc/${pid}/signal`, { signal: 'SIGKILL' }, { ifProcess: identity })
  } catch (error) {
    if (isGone(error)) return
    if (!(error instanceof ProblemError && error.status === 403)) throw error
    // Without --allow-actions: kill by pid, if the pid still belongs to the adopted process.
    if (ticks === null || ticksOf(pid) !== ticks) return
    process.kill(pid, 'SIGKILL')
  }
  log('killed', name, identity, why)
}

const isGone = (error: unknown) => error instanceof ProblemError && (error.status === 404 || error.status === 412)

/** Start time of a process in ticks since boot; null if there is no such process. */
function ticksOf(pid: number): string | null {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : ''
  return stat === '' ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!
}

/** Compares the running processes with the programs, and adopts or starts each. Returns the cursor of this state. */
async function reconcile(): Promise<string> {
  const { body, cursor } = await client.get('/sys/proc')
  for (const name of programs.keys()) {
    const there = body.entries.find((entry) => entry.name === name)
    const { pid, identity } = running.get(name) ?? { pid: 0, identity: '' }
    if (there !== undefined) await adopt(name, there)
    // introspectd may not have seen a process that was started just now.
    else if (identity !== null || ticksOf(pid) === null) start(name)
  }
  const { body: deadlocks } = await client.get('/sys/deadlocks')
  for (const { kind, members, path } of deadlocks.entries) if (kind !== 'suspected') await killMembers(members, path)
  return cursor
}

async function killMembers(members: readonly Waiting[], why: string): Promise<void> {
  const pids = new Set(members.map(({ path }) => Number(path.split('/')[3])))
  for (const [name, { pid, identity }] of running)
    if (identity !== null && pids.has(pid)) await kill(name, identity, why)
}

/** Reads the deadlock first. A repeated event may be old: other processes may have the pids of its members. */
async function stillDeadlocked(path: string): Promise<boolean> {
  return client.get(path as '/sys/deadlocks/1').then(
    () => true,
    (error) => !isGone(error),
  )
}

async function act(event: ServiceEvent<(typeof types)[number]>): Promise<void> {
  log('seen', event.sequence, event.type, event.subject)
  if (event.type === 'events.lost') await reconcile()
  else if (event.type === 'deadlock.detected' || event.type === 'deadlock.orphaned') {
    if (await stillDeadlocked(event.subject)) await killMembers(event.data.members, event.sequence)
  } else {
    const { name = '', identity } = event.data
    const known = running.get(name)
    if (!programs.has(name) || identity === undefined) return
    if (event.type === 'threshold.tripped') {
      if (known?.identity === identity) await kill(name, identity, event.sequence)
    } else if (event.type === 'process.died') {
      if (known?.identity === identity || (known?.identity === null && known.pid === event.data.pid)) start(name)
    } else if (known?.identity !== identity) await adopt(name, event.data)
  }
}

const types = [
  'process.created',
  'process.changed',
  'process.died',
  'threshold.tripped',
  'deadlock.detected',
  'deadlock.orphaned',
  'events.lost',
] as const

async function control(): Promise<void> {
  const cursor = await reconcile()
  const after = existsSync(cursorFile!) ? readFileSync(cursorFile!, 'utf8') : cursor
  for await (const event of client.watch('/sys', { types, after, bookmarks: true })) {
    if (event.type === 'bookmark') saveCursor(event.data.cursor)
    else if (event.type === 'state') {
      // The events after our cursor are gone. The state is in the tree.
      await reconcile()
      saveCursor(event.cursor)
    } else {
      await act(event)
      saveCursor(event.sequence)
    }
  }
}

/** Writes another file first and renames it, so that a cursor is never half written. */
function saveCursor(cursor: string): void {
  writeFileSync(`${cursorFile}.new`, cursor)
  renameSync(`${cursorFile}.new`, cursorFile!)
}

for (;;) {
  try {
    await control()
  } catch (error) {
    const isPassing = error instanceof UnreachableError || (error instanceof ProblemError && error.isPassing)
    if (!isPassing) throw error
    // The watch reconnects by itself. The action was not taken, so the event is handled again.
    log('unreachable', String(error))
    await delay(Math.random() * 1000)
  }
}

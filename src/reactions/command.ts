/**
 * Runs a command for one event: the event on standard input and in `INTROSPECT_*` variables, as a certain user, for a
 * limited time.
 */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { bounds } from '../base/bounds.ts'
import { eventRowOf, eventText } from '../kernel/events.ts'
import { type EventFields, fieldsOf } from './delivered-event.ts'
import type { Delivery, Outcome } from './pump.ts'
import type { SystemUser } from './user.ts'

export interface CommandOptions {
  readonly command: readonly string[]
  readonly user: SystemUser
  readonly timeoutMs: number
}

type Variables = Readonly<Record<string, string>>

/** The environment of the command. Nothing of the service's own environment is in it: it may have a token. */
export function variablesOf(event: EventFields, attempt: number, { name, home }: SystemUser): Variables {
  const { type, subject, id, source, time = '', data } = event
  const scalars = Object.entries(data).flatMap(([key, value]): [string, string][] =>
    value === null || typeof value === 'object' ? [] : [[`INTROSPECT_DATA_${variableName(key)}`, String(value)]],
  )
  const variables = {
    ...Object.fromEntries(scalars),
    INTROSPECT_ID: id,
    INTROSPECT_TYPE: type,
    INTROSPECT_SUBJECT: subject,
    INTROSPECT_SOURCE: source,
    INTROSPECT_TIME: time,
    INTROSPECT_SEVERITY: eventRowOf(type)?.severity ?? 'info',
    INTROSPECT_TEXT: eventText(type, data),
    INTROSPECT_ATTEMPT: String(attempt),
  }
  const bounded = Object.entries(variables).map(([key, value]) => [
    key,
    value.replaceAll('\0', '').slice(0, bounds.commandVariableMax),
  ])
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    USER: name,
    ...Object.fromEntries(bounded),
  }
}

/** `capacitySource` becomes `CAPACITY_SOURCE`. */
function variableName(key: string): string {
  return key
    .replaceAll(/[A-Z]/g, (capital) => `_${capital}`)
    .replaceAll(/\W/g, '_')
    .toUpperCase()
}

export function commandRun(options: CommandOptions): (delivery: Delivery) => Promise<Outcome> {
  return async ({ events: [event], attempt, signal }) => {
    const env = variablesOf(fieldsOf(event!), attempt, options.user)
    const result = await run(options, { env, input: `${event!.json.toString()}\n`, signal })
    return result === null ? { kind: 'done' } : { kind: 'failed', reason: result }
  }
}

interface Run {
  readonly env: Variables
  readonly input: string
  readonly signal: AbortSignal
}

/** @returns null when the exit code is 0, else the reason */
function run(
  { command: [program, ...args], user, timeoutMs }: CommandOptions,
  { env, input, signal }: Run,
): Promise<string | null> {
  const own = process.getuid?.() === user.uid ? {} : { uid: user.uid, gid: user.gid }
  // A group of its own, so that its children are killed with it.
  const options: SpawnOptions = { ...own, cwd: '/', env, detached: true, stdio: ['pipe', 'ignore', 'pipe'] }
  try {
    return following(spawn(program!, args, options), { timeoutMs, input, signal })
  } catch (error) {
    // Node reports some errors of the start in this way: the user may not be changed, or the arguments are too long.
    if (error instanceof Error && 'syscall' in error) return Promise.resolve(error.message)
    throw error
  }
}

/** Follows a command to its end. */
function following(
  child: ChildProcess,
  { timeoutMs, input, signal }: Omit<Run, 'env'> & { timeoutMs: number },
): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>()
  let said = ''
  let killed: string | null = null
  const kill = (reason: string) => {
    // Only while it runs: afterwards the number may belong to another group.
    if (killed !== null || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    killed = reason
    killGroup(child.pid)
  }
  const onAbort = () => kill('the service ended')
  const timer = setTimeout(() => kill(`killed after ${timeoutMs}ms`), timeoutMs)
  signal.addEventListener('abort', onAbort, { once: true })
  const end = (reason: string | null) => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    child.stderr?.destroy()
    resolve(reason === null || said === '' ? reason : `${reason}: ${said.trim()}`)
  }
  child.once('error', ({ message }) => end(message))
  child.once('exit', (code, name) =>
    end(killed ?? (code === 0 ? null : code === null ? `${name}` : `exit code ${code}`)),
  )
  // Without free descriptors there are no streams, and an error follows.
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(0, bounds.commandErrorMax)
  })
  // A command need not read its input.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  return promise
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // It has ended meanwhile.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** `introspectd wait`: waits until a threshold trips, a deadlock is detected, or a process ends. */

import { z } from 'zod'
import { durationText } from '../base/duration.ts'
import type { Client, ServiceEvent } from '../client/client.ts'
import { marks } from '../config/row.ts'
import { clientSettings } from '../config/settings.ts'
import { parseDuration } from '../kernel/time/duration.ts'
import { defineCommand } from './command.ts'
import { CliError } from './error.ts'
import { eventLine } from './event-line.ts'
import { exitCodes } from './exit-codes.ts'
import { followEvents } from './follow-events.ts'
import { wholePath } from './path.ts'
import { print } from './print.ts'
import { ServiceConnection } from './service-connection.ts'

const duration = z
  .string()
  .transform((text) => parseDuration(text))
  .refine((ms) => ms !== null, 'expected a duration such as 30s or 5m')

interface Condition {
  /** Describes what is awaited. */
  readonly what: string
  /** The path whose events show it. */
  readonly stream: string
  readonly types: readonly ServiceEvent['type'][]
  readonly is: (event: ServiceEvent) => boolean
  /** A line if it is so already; null if not. @throws ProblemError there is nothing to wait for */
  readonly now: (client: Client) => Promise<string | null>
}

export const waitCommand = defineCommand({
  name: 'wait',
  summary: `wait for a condition; the exit code is 0 when it holds, and ${exitCodes.timeUp.code} when the time is up`,
  args: {
    path: z.string().describe('pathname of a node, or for a threshold of its limit; 42 is short for /sys/proc/42'),
  },
  options: {
    for: z
      .string()
      .regex(/^(threshold\/[^/]+|deadlock|exit)$/, 'expected threshold/NAME, deadlock or exit')
      .describe('threshold/NAME: it is tripped; deadlock: one at or below the path; exit: the process has ended')
      .register(marks, { words: ['threshold/', 'deadlock', 'exit'] }),
    timeout: duration.optional().describe('wait at most this long, as in 30s; default: without end'),
  },
  settings: clientSettings,
  examples: [
    'introspectd wait 42 --for exit --timeout 1m',
    'introspectd wait fds --for threshold/hog',
    'introspectd wait /sys --for deadlock',
  ],
  run: async ({ args: { path }, options, io, ...effective }) => {
    const connection = new ServiceConnection(effective)
    const pathname = wholePath(path).replace(/\/$/, '')
    const condition = conditionOf(options.for, pathname)
    const met = new AbortController()
    const interrupted = io.endOnSignals().signal
    const late = options.timeout == null ? new AbortController().signal : AbortSignal.timeout(options.timeout)
    // Read first, then the events that follow: nothing is missed between the two.
    const { cursor } = await connection.reply(connection.client.get('/sys'))
    const already = await connection.reply(condition.now(connection.client))
    if (already !== null) return print(io, `${already}\n`)
    await followEvents(
      connection,
      { path: condition.stream, types: condition.types, after: cursor },
      {
        ending: AbortSignal.any([met.signal, interrupted, late]),
        onEvent: (event) => {
          if (met.signal.aborted || !condition.is(event)) return
          print(io, eventLine({ ...event, data: { ...event.data } }, Date.now()))
          met.abort()
        },
        onNotice: () => {},
      },
    )
    if (met.signal.aborted) return
    if (!late.aborted) return io.setExitCode(exitCodes.failed.code)
    io.stderr.write(`introspectd: ${condition.what} did not happen within ${durationText(options.timeout!)}\n`)
    io.setExitCode(exitCodes.timeUp.code)
  },
})

/** @throws CliError */
function conditionOf(text: string, path: string): Condition {
  if (text === 'exit') return exitOf(path)
  if (text === 'deadlock') return deadlockAt(path)
  return tripOf(`${path}/${text}`)
}

function exitOf(path: string): Condition {
  if (!/^\/sys\/proc\/[^/]+$/.test(path)) throw new CliError(`${path} is no process; --for exit needs one, as in 42`)
  return {
    what: `the end of ${path}`,
    stream: path,
    types: ['process.died'],
    is: ({ type, subject }) => type === 'process.died' && subject === path,
    now: async (client) => {
      await client.get(path)
      return null
    },
  }
}

function tripOf(path: string): Condition {
  return {
    what: `a trip of ${path}`,
    stream: '/sys',
    types: ['threshold.tripped'],
    is: ({ type, data }) => type === 'threshold.tripped' && 'threshold' in data && data.threshold === path,
    now: async (client) => {
      const { body } = await client.get(path)
      return z.looseObject({ state: z.string() }).parse(body).state === 'tripped' ? `${path} is tripped` : null
    },
  }
}

function deadlockAt(path: string): Condition {
  return {
    what: `a deadlock at ${path}`,
    stream: path,
    types: ['deadlock.detected', 'deadlock.orphaned'],
    is: ({ type }) => type === 'deadlock.detected' || type === 'deadlock.orphaned',
    now: async (client) => {
      await client.get(path)
      const { body } = await client.get('/sys/deadlocks')
      for (const { path: deadlock, kind, members } of body.entries) {
        if (kind === 'suspected') continue
        for (const member of members)
          if (await isBelow(client, member.path, path))
            return `${deadlock}: ${members.map((one) => one.path).join(', ')}`
      }
      return null
    },
  }
}

async function isBelow(client: Client, thread: string, path: string): Promise<boolean> {
  if (path === '/sys' || thread === path || thread.startsWith(`${path}/`)) return true
  if (!path.startsWith('/sys/part/')) return false
  const { body } = await client.get(`/sys/proc/${thread.split('/')[3]!}`)
  return body.partition === path || (body.partition?.startsWith(`${path}/`) ?? false)
}

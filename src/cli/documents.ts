/** `introspectd get`, and the commands that print one certain document of the service, such as `limits`. */

import { z } from 'zod'
import { marks } from '../config/row.ts'
import { clientSettings } from '../config/settings.ts'
import { type Command, defineCommand } from './command.ts'
import { exitCodes } from './exit-codes.ts'
import { wholePath } from './path.ts'
import { print } from './print.ts'
import { ServiceConnection } from './service-connection.ts'
import { limitNames } from './threshold-path.ts'

const json = z.boolean().default(false).describe('print JSON instead of text')

export const getCommand = defineCommand({
  name: 'get',
  summary: 'print a node, a list or any other document of the service',
  args: {
    path: z
      .string()
      .describe('pathname such as /sys/proc/42/thread; 42/thread is short for it')
      .register(marks, { words: ['proc', 'part', 'self', ...limitNames] }),
  },
  options: { json },
  settings: clientSettings,
  examples: ['introspectd get 42', 'introspectd get 42/thread --json', 'introspectd get memory-free'],
  run: async ({ args: { path }, options, io, ...effective }) => {
    const connection = new ServiceConnection(effective)
    print(io, await documentAt(connection, wholePath(path), options.json ? 'json' : 'text'))
  },
})

export const limitsCommand = documentCommand({
  name: 'limits',
  summary: 'list the limits: unit, level, meaning, and why one is unavailable',
  path: '/sys/limits',
})

export const thresholdsCommand = documentCommand({
  name: 'thresholds',
  summary: 'list the thresholds of all nodes with their states',
  path: '/sys/thresholds',
})

export const deadlocksCommand = documentCommand({
  name: 'deadlocks',
  summary: 'list the deadlocks: who waits for whom, and how many threads could not be read',
  path: '/sys/deadlocks',
})

export const statusCommand = defineCommand({
  name: 'status',
  summary: 'print the checks of the service; the exit code is 1 if it is not ready',
  args: {},
  options: {},
  settings: clientSettings,
  examples: ['introspectd status', 'introspectd status --url http://alpha:7007'],
  run: async ({ io, ...effective }) => {
    const connection = new ServiceConnection(effective)
    const { status, body } = await connection.reply(connection.client.get('/readyz', { query: { verbose: '' } }))
    print(io, body)
    if (status !== 200) io.setExitCode(exitCodes.failed.code)
  },
})

interface DocumentRow {
  readonly name: string
  readonly summary: string
  readonly path: string
}

function documentCommand({ name, summary, path }: DocumentRow): Command {
  return defineCommand({
    name,
    summary,
    args: {},
    options: { json },
    settings: clientSettings,
    examples: [`introspectd ${name}`, `introspectd ${name} --json`],
    run: async ({ options, io, ...effective }) => {
      print(io, await documentAt(new ServiceConnection(effective), path, options.json ? 'json' : 'text'))
    },
  })
}

/** @throws CliError */
async function documentAt(connection: ServiceConnection, path: string, format: 'json' | 'text'): Promise<string> {
  const { body } = await connection.reply(connection.client.get(path, { query: { format } }))
  return typeof body === 'string' ? body : `${JSON.stringify(body, null, 2)}\n`
}

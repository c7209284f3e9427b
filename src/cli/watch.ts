/** `introspectd watch`: events as they happen. */

import { z } from 'zod'
import { clientSettings } from '../config.ts'
import { strangeType } from '../tree/event-types.ts'
import { defineCommand } from './command.ts'
import { CliError } from './error.ts'
import { eventLine } from './event-line.ts'
import { followEvents } from './event-stream.ts'
import { wholePath } from './path.ts'
import { print } from './print.ts'
import { Service } from './service.ts'

export const watchCommand = defineCommand({
  name: 'watch',
  summary: 'print events as they happen, until Ctrl-C; goes on after a connection that broke',
  args: {
    path: z.string().default('/sys').describe('events there and below; /sys/proc/42, for short 42'),
  },
  options: {
    types: z.string().optional().describe('only these, comma-separated, * at the end: threshold.*,process.died'),
    after: z
      .string()
      .regex(/^\d{1,20}$/, 'expected a cursor: the sequence of an event, or Introspect-Cursor of an answer')
      .optional()
      .describe('begin with what came after this cursor'),
    json: z.boolean().default(false).describe('each event as the service sends it, one JSON object a line'),
  },
  settings: clientSettings,
  examples: [
    'introspectd watch',
    "introspectd watch 42 --types 'threshold.*'",
    'introspectd watch --json | jq .subject',
  ],
  run: async ({ args: { path }, options: { types = null, after, json }, io, ...effective }) => {
    const strange = types === null ? null : strangeType(types.split(','))
    if (strange !== null) throw new CliError(`--types: ${strange}`)
    const service = new Service(effective)
    const ending = io.endOnSignals().signal
    // Known from the start, so that nothing is missed if the connection breaks before the first event.
    const wanted = { path: wholePath(path), types, after: after ?? (await service.cursor()) }
    await followEvents(service, wanted, {
      ending,
      listener: {
        event: (event, raw) => print(io, json ? `${raw}\n` : eventLine(event, Date.now())),
        notice: (text) => void io.stderr.write(`introspectd: ${text}\n`),
      },
    })
  },
})

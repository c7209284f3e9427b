/** `introspectd watch`: prints events as they happen. */

import { z } from 'zod'
import { terminalJson } from '../base/terminal-text.ts'
import type { EventPattern } from '../client/client.ts'
import { clientSettings } from '../config/settings.ts'
import { strangeType } from '../tree/event-types.ts'
import { defineCommand } from './command.ts'
import { CliError } from './error.ts'
import { eventLine } from './event-line.ts'
import { followEvents } from './follow-events.ts'
import { wholePath } from './path.ts'
import { print } from './print.ts'
import { ServiceConnection } from './service-connection.ts'

export const watchCommand = defineCommand({
  name: 'watch',
  summary: 'print events as they happen, until Ctrl-C; reconnects and resumes after a broken connection',
  args: {
    path: z
      .string()
      .default('/sys')
      .describe('pathname of a node; prints its events and those of nodes below it; 42 is short for /sys/proc/42'),
  },
  options: {
    types: z
      .string()
      .optional()
      .describe('event types or families of types, comma-separated, for example threshold.*,process.died'),
    after: z
      .string()
      .regex(/^\d{1,20}$/, 'expected a cursor: the sequence of an event, or the header Introspect-Cursor of a reply')
      .optional()
      .describe('start after this cursor; default: the present'),
    json: z.boolean().default(false).describe('print each event as one line of JSON, as the service sends it'),
  },
  settings: clientSettings,
  examples: [
    'introspectd watch',
    "introspectd watch 42 --types 'threshold.*'",
    'introspectd watch --json | jq .subject',
  ],
  run: async ({ args: { path }, options: { types = null, after, json }, io, ...effective }) => {
    const pathname = wholePath(path)
    if (!/^\/sys(\/|$)/.test(pathname))
      throw new CliError(`there is no stream at ${pathname}; there is one at /sys and at every path below it`)
    const connection = new ServiceConnection(effective)
    const request = { path: pathname, types: patternsOf(types), after: after ?? null }
    await followEvents(connection, request, {
      ending: io.endOnSignals().signal,
      onEvent: (event) =>
        print(
          io,
          json
            ? `${terminalJson(JSON.stringify(event))}\n`
            : eventLine({ ...event, data: { ...event.data } }, Date.now()),
        ),
      onNotice: (text) => void io.stderr.write(`introspectd: ${text}\n`),
    })
  },
})

/** @throws CliError a pattern that matches no event type */
function patternsOf(types: string | null): readonly EventPattern[] | null {
  return types === null ? null : types.split(',').filter(isPattern)
}

/** @throws CliError no event type matches */
function isPattern(type: string): type is EventPattern {
  const fault = strangeType([type])
  if (fault !== null) throw new CliError(`--types: ${fault}`)
  return true
}

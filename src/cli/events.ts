/** `introspectd events`: prints past events from the journal. */

import { z } from 'zod'
import { clientSettings } from '../config/settings.ts'
import { defineCommand } from './command.ts'
import { eventLine, StreamedEvent } from './event-line.ts'
import { wholePath } from './path.ts'
import { print } from './print.ts'
import { ServiceConnection } from './service-connection.ts'

const pageMax = 1_000

export const eventsCommand = defineCommand({
  name: 'events',
  summary: 'print past events, oldest first; watch prints new ones',
  args: {
    path: z.string().default('/sys').describe('print only events about this pathname or below it; 42 is a process'),
  },
  options: {
    types: z.string().optional().describe('event types or families of types, comma-separated'),
    after: z
      .string()
      .regex(/^\d{1,20}$/, 'expected a cursor: the sequence of an event, or the header Introspect-Cursor of a reply')
      .optional()
      .describe('start after this cursor; default: with the oldest stored event'),
    json: z.boolean().default(false).describe('print each event as one line of JSON'),
  },
  settings: clientSettings,
  examples: ['introspectd events | tail -n 20', "introspectd events 42 --types 'threshold.*,deadlock.*'"],
  run: async ({ args: { path }, options: { types, after, json }, io, ...effective }) => {
    const connection = new ServiceConnection(effective)
    const query = {
      path: wholePath(path),
      limit: pageMax,
      format: 'json' as const,
      ...(types !== undefined && { types }),
    }
    for (let position = after; ; ) {
      const request = connection.client.get('/events', {
        query: { ...query, ...(position !== undefined && { after: position }) },
      })
      const { body } = await connection.reply(request)
      for (const event of body.events)
        print(io, json ? `${JSON.stringify(event)}\n` : eventLine(StreamedEvent.parse(event), Date.now()))
      if (body.next === null) return
      position = body.cursor
    }
  },
})

/**
 * `introspectd top`: shows the processes full-screen and refreshes every second. Without a terminal it prints one table
 * after the other.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { marks } from '../config/row.ts'
import { clientSettings } from '../config/settings.ts'
import { processColumns } from '../tree/nodes/directories.ts'
import type { ProcessView } from '../tree/views.ts'
import { defineCommand } from './command.ts'
import { printTable } from './print.ts'
import { type Chosen, columnNamed, type Order, sortMeaning, sortWords, tableOptions } from './process-table.ts'
import { ServiceConnection } from './service-connection.ts'
import { TopDisplay, type TopReadings } from './top-display.ts'
import { page } from './top-frame.ts'
import { readSnapshot, type TopView } from './top-snapshot.ts'
import { unlessEnded } from './unless-ended.ts'

export const topCommand = defineCommand({
  name: 'top',
  summary: 'show the processes that use most, refreshed every second',
  args: {},
  options: {
    sort: z.string().default('cpu').describe(sortMeaning).register(marks, { words: sortWords }),
    ...tableOptions,
    delay: z
      .number()
      .min(0.1)
      .max(3600)
      .default(1)
      .describe('seconds between two refreshes')
      .register(marks, { letter: 'd' }),
    count: z
      .int()
      .min(1)
      .optional()
      .describe('print this number of tables, one below the other, and exit')
      .register(marks, { letter: 'n' }),
  },
  settings: clientSettings,
  examples: ['introspectd top', 'introspectd top --sort fds', 'introspectd top -n 1 --part system.slice > now.txt'],
  run: async ({ options, io, ...effective }) => {
    const by = columnNamed(processColumns, options.sort)
    const ending = io.endOnSignals()
    const connection = new ServiceConnection(effective)
    const readings = {
      io,
      next: (wanted: { chosen: Chosen; view: TopView }, signal: AbortSignal) =>
        readSnapshot(connection, wanted, signal),
      chosen: options,
      delayMs: options.delay * 1000,
    }
    const order = { by, reverse: options.reverse }
    if (io.stdout.isTTY && options.count === undefined) await onScreen(readings, order, ending)
    else await onPages({ ...readings, count: options.count ?? Number.POSITIVE_INFINITY }, order, ending.signal)
  },
})

type Pages = TopReadings & { readonly count: number }

async function onPages(
  { io, next, chosen, delayMs, count }: Pages,
  order: Order<ProcessView>,
  ending: AbortSignal,
): Promise<void> {
  for (let done = 0; done < count && !ending.aborted; done++) {
    if (done > 0) await unlessEnded(ending, () => delay(delayMs, undefined, { signal: ending }))
    const snapshot = await unlessEnded(ending, () => next({ chosen, view: { kind: 'processes' } }, ending))
    if (snapshot !== null) printTable(io, `${done > 0 ? '\n' : ''}${page(snapshot, order)}`)
  }
}

async function onScreen(readings: TopReadings, order: Order<ProcessView>, ending: AbortController): Promise<void> {
  // Read once before the screen opens: an error at the start then stays visible after the command has ended.
  const { chosen } = readings
  const first = await unlessEnded(ending.signal, () =>
    readings.next({ chosen, view: { kind: 'processes' } }, ending.signal),
  )
  if (first !== null) await new TopDisplay(readings.io, { first, order, ending, chosen }).run(readings)
}

/**
 * `introspectd top`: shows the processes full-screen and refreshes every second. Without a terminal it prints one table
 * after the other.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { marks } from '../config/row.ts'
import { clientSettings } from '../config/settings.ts'
import type { Column } from '../tree/definition.ts'
import { processColumns } from '../tree/nodes/directories.ts'
import type { ProcessView } from '../tree/views.ts'
import { defineCommand } from './command.ts'
import { CliError } from './error.ts'
import type { CommandIo } from './io.ts'
import { printTable } from './print.ts'
import {
  type Chosen,
  columnName,
  columnNamed,
  type Order,
  readProcesses,
  sortMeaning,
  sortWords,
  tableOptions,
} from './process-table.ts'
import { Screen } from './screen.ts'
import { ServiceConnection } from './service-connection.ts'
import { type FrameOptions, frame, page, type TopSnapshot } from './top-frame.ts'

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
      next: (signal: AbortSignal) => readSnapshot(connection, options, signal),
      delayMs: options.delay * 1000,
    }
    const order = { by, reverse: options.reverse }
    if (io.stdout.isTTY && options.count === undefined) await onScreen(readings, order, ending)
    else await onPages({ ...readings, count: options.count ?? Number.POSITIVE_INFINITY }, order, ending.signal)
  },
})

async function readSnapshot(connection: ServiceConnection, chosen: Chosen, signal: AbortSignal): Promise<TopSnapshot> {
  const { client } = connection
  const [{ processes }, system, cpu, memory, thresholds] = await Promise.all([
    readProcesses(connection, chosen, signal),
    connection.reply(client.get('/sys', { signal })),
    connection.reply(client.get('/sys/cpu', { signal })),
    connection.reply(client.get('/sys/memory', { signal })),
    connection.reply(client.get('/sys/thresholds', { signal })),
  ])
  return {
    at: Date.now(),
    processes,
    system: system.body,
    cpu: cpu.body,
    memory: memory.body,
    thresholds: thresholds.body.entries,
  }
}

interface Readings {
  readonly io: CommandIo
  /** @throws CliError */
  readonly next: (signal: AbortSignal) => Promise<TopSnapshot>
  readonly delayMs: number
}

type Pages = Readings & { readonly count: number }

async function onPages(
  { io, next, delayMs, count }: Pages,
  order: Order<ProcessView>,
  ending: AbortSignal,
): Promise<void> {
  for (let done = 0; done < count && !ending.aborted; done++) {
    if (done > 0) await unlessEnded(ending, () => delay(delayMs, undefined, { signal: ending }))
    const snapshot = await unlessEnded(ending, () => next(ending))
    if (snapshot !== null) printTable(io, `${done > 0 ? '\n' : ''}${page(snapshot, order)}`)
  }
}

/** Runs an action. An error after the command was ended is ignored; the result is then null. */
async function unlessEnded<T>(ending: AbortSignal, doing: () => Promise<T>): Promise<T | null> {
  try {
    return await doing()
  } catch (error) {
    if (ending.aborted) return null
    throw error
  }
}

async function onScreen(readings: Readings, order: Order<ProcessView>, ending: AbortController): Promise<void> {
  // Read once before the screen opens: an error at the start then stays visible after the command has ended.
  const first = await unlessEnded(ending.signal, () => readings.next(ending.signal))
  if (first !== null) await new Display(readings.io, { first, order, ending }).run(readings)
}

interface Start {
  readonly first: TopSnapshot
  readonly order: Order<ProcessView>
  readonly ending: AbortController
}

class Display {
  readonly #io: CommandIo
  readonly #ending: AbortController
  readonly #screen: Screen
  #snapshot: TopSnapshot
  #options: FrameOptions
  #refreshNow = new AbortController()

  constructor(io: CommandIo, { first, order, ending }: Start) {
    this.#io = io
    this.#snapshot = first
    this.#options = { ...order, trouble: null, widths: [] }
    this.#ending = ending
    this.#screen = new Screen(io, { onKey: (key) => this.#onKey(key), onStale: () => setImmediate(() => this.#draw()) })
  }

  async run({ next, delayMs }: Readings): Promise<void> {
    const { signal } = this.#ending
    try {
      while (!signal.aborted) {
        await this.#pause(delayMs)
        await unlessEnded(signal, () => next(signal).then(this.#show, this.#showError))
      }
    } finally {
      this.#screen.close()
    }
  }

  /** Waits for the next refresh. A key can end the wait. */
  async #pause(delayMs: number): Promise<void> {
    this.#refreshNow = new AbortController()
    const signal = AbortSignal.any([this.#refreshNow.signal, this.#ending.signal])
    await unlessEnded(signal, () => delay(delayMs, undefined, { signal }))
  }

  readonly #show = (snapshot: TopSnapshot): void => {
    this.#snapshot = snapshot
    this.#change({ trouble: null })
  }

  /** Shows the error and leaves the last table, because the service may be restarting. The next refresh tries again. */
  readonly #showError = (error: unknown): void => {
    if (!(error instanceof CliError)) throw error
    this.#change({ trouble: `OLD, trying again: ${error.message}` })
  }

  #change(change: Partial<FrameOptions>): void {
    this.#options = { ...this.#options, ...change }
    this.#draw()
  }

  #draw(): void {
    if (this.#ending.signal.aborted) return
    const { lines, widths } = frame(this.#snapshot, this.#options, { ...this.#screen.size, stream: this.#io.stdout })
    this.#options = { ...this.#options, widths }
    this.#screen.draw(lines)
  }

  #onKey(key: string): void {
    if (key === 'q' || key === 'ctrl-c' || key === 'ctrl-d') this.#ending.abort()
    else if (key === ' ' || key === '\r') this.#refreshNow.abort()
    else if (key === 'r') this.#change({ reverse: !this.#options.reverse, widths: [] })
    else {
      const by = columnOfKey(key, this.#options.by)
      if (by !== null) this.#change({ by, widths: [] })
    }
  }
}

const steps: Readonly<Record<string, number>> = { '<': -1, left: -1, '>': 1, right: 1 }

/** The column to sort by after a key: the neighbour, or the next one with that initial; null for other keys. */
export function columnOfKey(key: string, current: Column<ProcessView>): Column<ProcessView> | null {
  const place = processColumns.indexOf(current)
  const step = steps[key]
  if (step !== undefined) return processColumns[place + step] ?? null
  const round = [...processColumns.slice(place + 1), ...processColumns.slice(0, place + 1)]
  return round.find((column) => columnName(column)[0] === key.toLowerCase()) ?? null
}

/**
 * `introspectd top`: the processes, anew every second, on the whole screen; without a terminal one table after the
 * other.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { marks } from '../config/row.ts'
import { clientSettings } from '../config/settings.ts'
import type { Column } from '../tree/definition.ts'
import { processColumns } from '../tree/nodes/nodes.ts'
import type { ProcessView } from '../tree/views.ts'
import { defineCommand } from './command.ts'
import { endOnSignals } from './ending.ts'
import { CliError } from './error.ts'
import { printTable } from './print.ts'
import { type Chosen, columnNamed, type Order, readProcesses, sortMeaning, tableOptions } from './process-table.ts'
import { Screen } from './screen.ts'
import { ServiceConnection } from './service-connection.ts'
import { type FrameOptions, frame, page, type TopSnapshot } from './top-frame.ts'

export const topCommand = defineCommand({
  name: 'top',
  summary: 'show the processes that use most, anew every second',
  args: {},
  options: {
    sort: z.string().default('cpu').describe(sortMeaning),
    ...tableOptions,
    delay: z
      .number()
      .min(0.1)
      .max(3600)
      .default(1)
      .describe('seconds between two looks')
      .register(marks, { letter: 'd' }),
    count: z
      .int()
      .min(1)
      .optional()
      .describe('print so many tables, one below the other, and end')
      .register(marks, { letter: 'n' }),
  },
  settings: clientSettings,
  examples: ['introspectd top', 'introspectd top --sort fds', 'introspectd top -n 1 --part system.slice > now.txt'],
  run: async ({ options, ...effective }) => {
    const by = columnNamed(processColumns, options.sort)
    const ending = endOnSignals()
    const connection = new ServiceConnection(effective)
    const looks = {
      next: (signal: AbortSignal) => look(connection, options, signal),
      delayMs: options.delay * 1000,
    }
    const order = { by, reverse: options.reverse }
    if (process.stdout.isTTY && options.count === undefined) await onScreen(looks, order, ending)
    else await onPages({ ...looks, count: options.count ?? Number.POSITIVE_INFINITY }, order, ending.signal)
  },
})

async function look(connection: ServiceConnection, chosen: Chosen, signal: AbortSignal): Promise<TopSnapshot> {
  const { client } = connection
  const [processes, system, cpu, memory, thresholds] = await Promise.all([
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

interface Looks {
  /** @throws CliError */
  readonly next: (signal: AbortSignal) => Promise<TopSnapshot>
  readonly delayMs: number
}

type Pages = Looks & { readonly count: number }

async function onPages({ next, delayMs, count }: Pages, order: Order<ProcessView>, ending: AbortSignal): Promise<void> {
  for (let done = 0; done < count && !ending.aborted; done++) {
    if (done > 0) await unlessEnded(ending, () => delay(delayMs, undefined, { signal: ending }))
    const snapshot = await unlessEnded(ending, () => next(ending))
    if (snapshot !== null) printTable(`${done > 0 ? '\n' : ''}${page(snapshot, order)}`)
  }
}

/** What is broken off by the end is no error. */
async function unlessEnded<T>(ending: AbortSignal, doing: () => Promise<T>): Promise<T | null> {
  try {
    return await doing()
  } catch (error) {
    if (ending.aborted) return null
    throw error
  }
}

async function onScreen(looks: Looks, order: Order<ProcessView>, ending: AbortController): Promise<void> {
  // What is wrong from the start is said where it stays to be read.
  const first = await unlessEnded(ending.signal, () => looks.next(ending.signal))
  if (first !== null) await new Display(first, order, ending).run(looks)
}

class Display {
  readonly #ending: AbortController
  readonly #screen: Screen
  #snapshot: TopSnapshot
  #look: FrameOptions
  #hurry = new AbortController()

  constructor(snapshot: TopSnapshot, order: Order<ProcessView>, ending: AbortController) {
    this.#snapshot = snapshot
    this.#look = { ...order, trouble: null, widths: [] }
    this.#ending = ending
    this.#screen = new Screen({ onKey: (key) => this.#onKey(key), onStale: () => setImmediate(() => this.#draw()) })
  }

  async run({ next, delayMs }: Looks): Promise<void> {
    const { signal } = this.#ending
    try {
      while (!signal.aborted) {
        await this.#pause(delayMs)
        await unlessEnded(signal, () => next(signal).then(this.#show, this.#complain))
      }
    } finally {
      this.#screen.close()
    }
  }

  /** Ended by a key that asks for a look at once. */
  async #pause(delayMs: number): Promise<void> {
    this.#hurry = new AbortController()
    const signal = AbortSignal.any([this.#hurry.signal, this.#ending.signal])
    await unlessEnded(signal, () => delay(delayMs, undefined, { signal }))
  }

  readonly #show = (snapshot: TopSnapshot): void => {
    this.#snapshot = snapshot
    this.#change({ trouble: null })
  }

  /** The last table stays, and it is tried again: a service that is restarted is back in a moment. */
  readonly #complain = (error: unknown): void => {
    if (!(error instanceof CliError)) throw error
    this.#change({ trouble: `OLD, trying again: ${error.message}` })
  }

  #change(change: Partial<FrameOptions>): void {
    this.#look = { ...this.#look, ...change }
    this.#draw()
  }

  #draw(): void {
    if (this.#ending.signal.aborted) return
    const { lines, widths } = frame(this.#snapshot, this.#look, this.#screen.size)
    this.#look = { ...this.#look, widths }
    this.#screen.draw(lines)
  }

  #onKey(key: string): void {
    if (key === 'q' || key === 'ctrl-c' || key === 'ctrl-d') this.#ending.abort()
    else if (key === ' ' || key === '\r') this.#hurry.abort()
    else if (key === 'r') this.#change({ reverse: !this.#look.reverse, widths: [] })
    else {
      const by = columnOfKey(key, this.#look.by)
      if (by !== null) this.#change({ by, widths: [] })
    }
  }
}

const steps: Readonly<Record<string, number>> = { '<': -1, left: -1, '>': 1, right: 1 }

/** The column beside, or the next one that begins with that letter; null where the key means no column. */
export function columnOfKey(key: string, now: Column<ProcessView>): Column<ProcessView> | null {
  const place = processColumns.indexOf(now)
  const step = steps[key]
  if (step !== undefined) return processColumns[place + step] ?? null
  const round = [...processColumns.slice(place + 1), ...processColumns.slice(0, place + 1)]
  return round.find(({ title }) => title[0] === key.toUpperCase()) ?? null
}

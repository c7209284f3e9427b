/** Runs the full-screen display of `introspectd top`: refreshes, keys, and the list that they choose. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Column } from '../tree/definition.ts'
import { processColumns, threadColumns } from '../tree/nodes/directories.ts'
import type { ProcessView } from '../tree/views.ts'
import { CliError } from './error.ts'
import type { CommandIo } from './io.ts'
import { type Chosen, columnName, type Order } from './process-table.ts'
import { Screen } from './screen.ts'
import { type Frame, type FrameOptions, frame, selectedPlace } from './top-frame.ts'
import type { TopSnapshot, TopView } from './top-snapshot.ts'
import { unlessEnded } from './unless-ended.ts'

export interface TopReadings {
  readonly io: CommandIo
  /** @throws CliError */
  readonly next: (wanted: { chosen: Chosen; view: TopView }, signal: AbortSignal) => Promise<TopSnapshot>
  readonly chosen: Chosen
  readonly delayMs: number
}

interface Start {
  readonly first: TopSnapshot
  readonly order: Order<ProcessView>
  readonly chosen: Chosen
  readonly ending: AbortController
}

/** Longest text of a filter, which is that of a name. */
const filterMax = 64

export class TopDisplay {
  readonly #io: CommandIo
  readonly #ending: AbortController
  readonly #screen: Screen
  #snapshot: TopSnapshot
  #chosen: Chosen
  #view: TopView = { kind: 'processes' }
  #options: FrameOptions
  #frame: Frame | null = null
  #refreshNow = new AbortController()
  /** Another list was chosen while one was being read. */
  #isOutdated = false

  constructor(io: CommandIo, { first, order, chosen, ending }: Start) {
    this.#io = io
    this.#snapshot = first
    this.#chosen = chosen
    this.#options = {
      processes: order,
      threads: { by: threadColumns[0]!, reverse: true },
      trouble: null,
      filter: '',
      isTyping: false,
      ...unselected,
    }
    this.#ending = ending
    this.#screen = new Screen(io, { onKey: (key) => this.#onKey(key), onStale: () => setImmediate(() => this.#draw()) })
  }

  async run({ next, delayMs }: TopReadings): Promise<void> {
    const { signal } = this.#ending
    try {
      while (!signal.aborted) {
        if (!this.#isOutdated) await this.#pause(delayMs)
        this.#isOutdated = false
        const wanted = { chosen: this.#chosen, view: this.#view }
        await unlessEnded(signal, () => next(wanted, signal).then(this.#show, this.#showError))
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
    const isOther = snapshot.body.kind !== this.#snapshot.body.kind
    this.#snapshot = snapshot
    this.#change({ trouble: null, ...(isOther && unselected) })
  }

  /** Shows the error and leaves the last table, because the service may be restarting. The next refresh tries again. */
  readonly #showError = (error: unknown): void => {
    if (!(error instanceof CliError)) throw error
    // The process may have ended.
    if (this.#view.kind === 'threads') this.#view = { kind: 'processes' }
    this.#change({ trouble: `OLD, trying again: ${error.message}` })
  }

  #change(change: Partial<FrameOptions>): void {
    this.#options = { ...this.#options, ...change }
    this.#draw()
  }

  #draw(): void {
    if (this.#ending.signal.aborted) return
    const surface = { ...this.#screen.size, stream: this.#io.stdout }
    this.#frame = frame(this.#snapshot, this.#options, surface)
    const { lines, widths, first } = this.#frame
    this.#options = { ...this.#options, widths, first }
    this.#screen.draw(lines)
  }

  #onKey(key: string): void {
    const isList = this.#snapshot.body.kind !== 'deadlocks'
    if (key === 'ctrl-c' || key === 'ctrl-d') this.#ending.abort()
    else if (this.#options.isTyping) this.#typeFilter(key)
    else if (key === 'q') this.#ending.abort()
    else if (key === ' ') this.#refresh()
    else if (key in moves) this.#move(moves[key]!)
    else if (key === 'd') this.#watch({ kind: 'deadlocks' })
    else if (key === 'escape' || isBackspace(key)) this.#goBack()
    else if (isList) this.#onListKey(key)
  }

  #onListKey(key: string): void {
    const isProcesses = this.#snapshot.body.kind === 'processes'
    if (isProcesses && key === '/') this.#change({ isTyping: true })
    else if (isProcesses && key === '\r') this.#openThreads()
    else if (isProcesses && key === 'a') {
      this.#chosen = { ...this.#chosen, all: !this.#chosen.all }
      this.#refresh()
    } else this.#sortBy(key)
  }

  #refresh(): void {
    this.#isOutdated = true
    this.#refreshNow.abort()
  }

  #watch(view: TopView): void {
    this.#view = view
    this.#refresh()
  }

  #goBack(): void {
    if (this.#view.kind === 'processes') this.#change({ filter: '', ...unselected })
    else this.#watch({ kind: 'processes' })
  }

  /** Opens the threads of the selected process, or of the first if none is selected. */
  #openThreads(): void {
    const { order } = this.#frame!
    const pid = order[selectedPlace(order, this.#options) ?? 0]
    if (pid !== undefined) this.#watch({ kind: 'threads', pid })
  }

  #typeFilter(key: string): void {
    const { filter } = this.#options
    if (key === '\r') this.#change({ isTyping: false })
    else if (key === 'escape') this.#change({ isTyping: false, filter: '', ...unselected })
    else if (isBackspace(key)) this.#change({ filter: filter.slice(0, -1) })
    else if (/^[^\p{Cc}]$/u.test(key) && filter.length < filterMax)
      this.#change({ filter: filter + key, ...unselected })
  }

  #move(move: Move): void {
    const { order, count, room } = this.#frame!
    const from = this.#snapshot.body.kind === 'deadlocks' ? this.#options.place : selectedPlace(order, this.#options)
    const end = this.#snapshot.body.kind === 'deadlocks' ? count - room : count - 1
    // The first key selects what is on top of the screen.
    const isFirst = from === null && Math.abs(move.lines) === 1
    const to = isFirst ? this.#options.first : target(from ?? 0, move, { end, room })
    const place = Math.max(0, Math.min(to, end))
    this.#change({ place, selected: order[place] ?? null })
  }

  #sortBy(key: string): void {
    if (this.#snapshot.body.kind === 'threads') {
      const threads = orderAfter(threadColumns, key, this.#options.threads)
      if (threads !== null) this.#change({ threads, widths: [] })
    } else {
      const processes = orderAfter(processColumns, key, this.#options.processes)
      if (processes !== null) this.#change({ processes, widths: [] })
    }
  }
}

const unselected = { selected: null, place: 0, first: 0, widths: [] } as const

interface Move {
  readonly lines: number
  readonly pages: number
}

const moves: Readonly<Record<string, Move>> = {
  up: { lines: -1, pages: 0 },
  down: { lines: 1, pages: 0 },
  pageup: { lines: 0, pages: -1 },
  pagedown: { lines: 0, pages: 1 },
  home: { lines: Number.NEGATIVE_INFINITY, pages: 0 },
  end: { lines: Number.POSITIVE_INFINITY, pages: 0 },
}

function target(from: number, { lines, pages }: Move, { end, room }: { end: number; room: number }): number {
  if (!Number.isFinite(lines)) return lines < 0 ? 0 : end
  return from + lines + pages * room
}

function isBackspace(key: string): boolean {
  return key === '\x7f' || key === '\b'
}

/** The order after a key: reversed, or by another column; null for other keys. */
function orderAfter<Entry>(
  columns: readonly Column<Entry>[],
  key: string,
  { by, reverse }: Order<Entry>,
): Order<Entry> | null {
  if (key === 'r') return { by, reverse: !reverse }
  const next = columnOfKey(columns, key, by)
  return next === null ? null : { by: next, reverse }
}

const steps: Readonly<Record<string, number>> = { '<': -1, left: -1, '>': 1, right: 1 }

/** The column to sort by after a key: the neighbour, or the next one with that initial; null for other keys. */
function columnOfKey<Entry>(
  columns: readonly Column<Entry>[],
  key: string,
  current: Column<Entry>,
): Column<Entry> | null {
  const place = columns.indexOf(current)
  const step = steps[key]
  if (step !== undefined) return columns[place + step] ?? null
  const round = [...columns.slice(place + 1), ...columns.slice(0, place + 1)]
  return round.find((column) => columnName(column)[0] === key.toLowerCase()) ?? null
}

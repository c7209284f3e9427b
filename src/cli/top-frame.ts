/** Formats the display of `introspectd top`: a head about the machine, then a list, then a line about the keys. */

import { styleText } from 'node:util'
import { printable } from '../base/terminal-text.ts'
import { cpuText, sizeText } from '../kernel/limits/unit-text.ts'
import type { Column } from '../tree/definition.ts'
import { processColumns, threadColumns } from '../tree/nodes/directories.ts'
import { alignTable, renderTable } from '../tree/text.ts'
import type { LimitView, ProcessView, ThreadView } from '../tree/views.ts'
import { clockText } from './event-line.ts'
import { fittingColumns } from './fitting-columns.ts'
import { hasName, type Order, sorted } from './process-table.ts'
import type { Size } from './screen.ts'
import type { TopSnapshot } from './top-snapshot.ts'

export interface FrameOptions {
  readonly processes: Order<ProcessView>
  readonly threads: Order<ThreadView>
  /** Error shown on the last line instead of the keys; null if there is none. */
  readonly trouble: string | null
  /** Minimum widths of the columns. */
  readonly widths: readonly number[]
  /** Only processes whose name contains this text are shown. */
  readonly filter: string
  /** The filter is being typed on the last line. */
  readonly isTyping: boolean
  /** Key of the selected entry, a pid or tid; null before one is selected. */
  readonly selected: number | null
  /** Index of the selected entry, or of the first line of a text. It is used when the key is no longer there. */
  readonly place: number
  /** Index of the first entry shown. */
  readonly first: number
}

function part(text: string, whole: string): string {
  return whole === '-' ? text : `${text} of ${whole}`
}

function cpuOf({ value, capacity }: LimitView): string {
  return part(cpuText(value ?? undefined), cpuText(capacity ?? undefined))
}

function memoryOf({ value, capacity }: LimitView): string {
  return part(sizeText(value ?? undefined), sizeText(capacity ?? undefined))
}

interface Head {
  readonly lines: readonly string[]
  /** Index of the line that is red if something is wrong. */
  readonly alarm: number
}

function headOf({ at, system, cpu, memory, thresholds, deadlocks }: TopSnapshot): Head {
  const { node, source, version, usage } = system
  const tripped = thresholds.filter(({ state }) => state === 'tripped')
  const past = tripped.length === 0 ? '' : `: ${tripped.map(({ path }) => path).join(' ')}`
  const dead = deadlocks === 0 ? '' : `deadlocks ${deadlocks}, `
  const lines = [
    `introspectd ${version} on ${node} (${source})  ${clockText(at, at).slice(0, 8)}`,
    `processes ${usage.processes ?? '-'}  threads ${usage.threads ?? '-'}  cpu ${cpuOf(cpu)}  memory ${memoryOf(memory)}`,
    `${dead}thresholds ${thresholds.length}, tripped ${tripped.length}${past}`,
  ]
  return { lines: [...lines.map(printable), ''], alarm: 2 }
}

/** One line, for a screen with few. */
function shortHeadOf({ cpu, thresholds, deadlocks }: TopSnapshot): Head {
  const tripped = thresholds.filter(({ state }) => state === 'tripped').length
  const dead = deadlocks === 0 ? '' : `deadlocks ${deadlocks}  `
  return { lines: [`${dead}tripped ${tripped}  cpu ${cpuOf(cpu)}`], alarm: 0 }
}

/** Formats the whole table without styles, for a file or a pipe. */
export function page(snapshot: TopSnapshot, order: Order<ProcessView>): string {
  const entries = snapshot.body.kind === 'processes' ? snapshot.body.entries : []
  return `${headOf(snapshot).lines.join('\n')}\n${renderTable(processColumns, sorted(entries, order))}`
}

const keys = {
  processes: 'q quits  / filters  Enter threads  d deadlocks  a all  < > sort  r reverse',
  threads: 'q quits  Esc back  < > sort  r reverse',
  deadlocks: 'q quits  Esc back',
} as const

/** Screens with fewer rows have the short head. */
const rowsOfWholeHead = 12

export interface Frame {
  /** At most as many as the screen has rows. */
  readonly lines: readonly string[]
  /** Widths of the columns. The next frame uses them as minimum, so that columns do not jump. */
  readonly widths: readonly number[]
  readonly first: number
  /** Keys of all entries, in the order of the list; empty for a text. */
  readonly order: readonly number[]
  /** Number of entries of the list, and the number of them that fit the screen. */
  readonly count: number
  readonly room: number
}

interface Surface extends Size {
  /** The output on which the frame is drawn: decides whether it has styles. */
  readonly stream: NodeJS.WritableStream
}

export function frame(snapshot: TopSnapshot, options: FrameOptions, { rows, columns, stream }: Surface): Frame {
  const styled: Styled = (style, text) => styleText(style, text, { stream })
  const { lines: head, alarm } = rows < rowsOfWholeHead ? shortHeadOf(snapshot) : headOf(snapshot)
  const isAlarm = snapshot.deadlocks > 0 || snapshot.thresholds.some(({ state }) => state === 'tripped')
  // The rest of the screen: head, titles, and last line.
  const room = Math.max(0, rows - head.length - 2)
  const list = listOf(snapshot, options, { room, width: columns, styled })
  const cut = (line: string): string => line.slice(0, columns)
  const lines = [
    ...head.map((line, place) => (place === alarm && isAlarm ? styled('red', cut(line)) : cut(line))),
    ...list.lines,
    ...Array<string>(Math.max(0, room + 1 - list.lines.length)).fill(''),
    lastLine(snapshot, options, { columns, styled }),
  ]
  return { ...list, lines: lines.slice(0, rows), room }
}

function lastLine(
  { body: { kind } }: TopSnapshot,
  { trouble, filter, isTyping }: FrameOptions,
  { columns, styled }: { columns: number; styled: Styled },
): string {
  const cut = (line: string): string => line.slice(0, columns)
  // The end of a long text is what is being typed.
  if (isTyping) return `name contains: ${filter}_`.slice(-columns)
  if (trouble !== null) return styled('red', cut(trouble))
  const chosen = filter === '' || kind !== 'processes' ? '' : `[${printable(filter)}] Esc shows all  `
  return styled('dim', cut(`${chosen}${keys[kind]}`))
}

type Listed = Omit<Frame, 'room'>

interface ListSurface {
  readonly room: number
  readonly width: number
  readonly styled: Styled
}

function listOf({ body }: TopSnapshot, options: FrameOptions, surface: ListSurface): Listed {
  if (body.kind === 'deadlocks') return textOf(body.lines, options, surface)
  if (body.kind === 'threads') {
    const entries = sorted(body.entries, options.threads)
    return tableOf(
      { columns: threadColumns, entries, by: options.threads.by, keyOf: ({ tid }) => tid },
      options,
      surface,
    )
  }
  const { filter, processes } = options
  const entries = sorted(
    body.entries.filter((process) => hasName(process, { name: filter })),
    processes,
  )
  return tableOf({ columns: processColumns, entries, by: processes.by, keyOf: ({ pid }) => pid }, options, surface)
}

function textOf(text: readonly string[], { place }: FrameOptions, { room, width, styled }: ListSurface): Listed {
  const lines = text.flatMap((line) => wrapped(line, width))
  const first = Math.max(0, Math.min(place, lines.length - room))
  const title = styled('inverse', 'DEADLOCKS'.padEnd(width).slice(0, width))
  return { lines: [title, ...lines.slice(first, first + room)], widths: [], first, order: [], count: lines.length }
}

/** Breaks a line at the width: the names at its end matter. */
function wrapped(line: string, width: number): string[] {
  const parts: string[] = []
  for (let at = 0; at === 0 || at < line.length; at += width) parts.push(line.slice(at, at + width))
  return parts
}

interface Table<Entry> {
  readonly columns: readonly Column<Entry>[]
  readonly entries: readonly Entry[]
  readonly by: Column<Entry>
  readonly keyOf: (entry: Entry) => number
}

function tableOf<Entry>(
  { columns, entries, by, keyOf }: Table<Entry>,
  options: FrameOptions,
  surface: ListSurface,
): Listed {
  const { room, width, styled } = surface
  const order = entries.map(keyOf)
  const selected = selectedPlace(order, options)
  const first = firstShown(options.first, { selected, count: order.length, room })
  const shown = entries.slice(first, first + room)
  const { widths } = alignTable(columns, shown, options.widths)
  const places = fittingColumns(columns, { by, widths, width })
  const { text } = alignTable(
    places.map((place) => columns[place]!),
    shown,
    places.map((place) => widths[place]!),
  )
  const [titles, ...rows] = text.trimEnd().split('\n')
  const lines = rows.map((row, place) => {
    const line = row.slice(0, width)
    return first + place === selected ? styled('inverse', line.padEnd(width)) : line
  })
  return {
    lines: [titleLine(titles!.padEnd(width).slice(0, width), by.title, styled), ...lines],
    widths,
    first,
    order,
    count: order.length,
  }
}

/** Null while nothing is selected. */
export function selectedPlace(order: readonly number[], { selected, place }: FrameOptions): number | null {
  if (selected === null || order.length === 0) return null
  const found = order.indexOf(selected)
  return found === -1 ? Math.min(place, order.length - 1) : found
}

/** Scrolls as little as possible, so that the selected entry is on the screen. */
function firstShown(
  former: number,
  { selected, count, room }: { selected: number | null; count: number; room: number },
): number {
  const first = Math.max(0, Math.min(former, count - room))
  if (selected === null || room === 0) return first
  return Math.max(Math.min(first, selected), selected - room + 1)
}

type Styled = (style: 'red' | 'dim' | 'inverse' | 'bold', text: string) => string

/** The line of column titles. The title of the sort column is bold, and the others are inverse. */
function titleLine(titles: string, title: string, styled: Styled): string {
  const begin = titles.search(new RegExp(`(?<= |^)${title}(?= |$)`))
  if (begin === -1) return styled('inverse', titles)
  const end = begin + title.length
  return `${styled('inverse', titles.slice(0, begin))}${styled('bold', title)}${styled('inverse', titles.slice(end))}`
}

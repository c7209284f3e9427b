/** Formats the display of `introspectd top`: a head about the machine, then the table of processes. */

import { styleText } from 'node:util'
import { printable } from '../base/terminal-text.ts'
import { cpuText, sizeText } from '../kernel/limits/unit-text.ts'
import { processColumns } from '../tree/nodes/directories.ts'
import { alignTable, renderTable } from '../tree/text.ts'
import type { ThresholdView } from '../tree/threshold-views.ts'
import type { LimitView, ProcessView, SystemView } from '../tree/views.ts'
import { clockText } from './event-line.ts'
import { type Order, sorted } from './process-table.ts'
import type { Size } from './screen.ts'

/** Replies of the service from which one frame is drawn. */
export interface TopSnapshot {
  /** Unix time in ms. */
  readonly at: number
  readonly system: SystemView
  readonly cpu: LimitView
  readonly memory: LimitView
  readonly thresholds: readonly ThresholdView[]
  readonly processes: readonly ProcessView[]
}

export interface FrameOptions extends Order<ProcessView> {
  /** Error shown on the last line instead of the keys; null if there is none. */
  readonly trouble: string | null
  /** Minimum widths of the columns. */
  readonly widths: readonly number[]
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

export function headOf({ at, system, cpu, memory, thresholds }: TopSnapshot): string[] {
  const { node, source, version, usage } = system
  const tripped = thresholds.filter(({ state }) => state === 'tripped')
  const past = tripped.length === 0 ? '' : `: ${tripped.map(({ path }) => path).join(' ')}`
  return [
    `introspectd ${version} on ${node} (${source})  ${clockText(at, at).slice(0, 8)}`,
    `processes ${usage.processes ?? '-'}  threads ${usage.threads ?? '-'}  cpu ${cpuOf(cpu)}  memory ${memoryOf(memory)}`,
    `thresholds ${thresholds.length}, tripped ${tripped.length}${past}`,
  ].map(printable)
}

/** Formats the whole table without styles, for a file or a pipe. */
export function page(snapshot: TopSnapshot, order: Order<ProcessView>): string {
  const table = renderTable(processColumns, sorted(snapshot.processes, order))
  return `${headOf(snapshot).join('\n')}\n\n${table}`
}

const keys = 'q quits   < > or the first letter of a column sorts   r reverses the order'

export interface Frame {
  /** At most as many as the screen has rows. */
  readonly lines: readonly string[]
  /** Widths of the columns. The next frame uses them as minimum, so that columns do not jump. */
  readonly widths: readonly number[]
}

interface Surface extends Size {
  /** The output on which the frame is drawn: decides whether it has styles. */
  readonly stream: NodeJS.WritableStream
}

export function frame(snapshot: TopSnapshot, options: FrameOptions, { rows, columns, stream }: Surface): Frame {
  const styled: Styled = (style, text) => styleText(style, text, { stream })
  const head = headOf(snapshot)
  const [, , tripped] = head
  // The rest of the screen: head, blank line, titles, and last line.
  const room = Math.max(0, rows - head.length - 3)
  const shown = sorted(snapshot.processes, options).slice(0, room)
  const { text, widths } = alignTable(processColumns, shown, options.widths)
  const [titles, ...table] = text.trimEnd().split('\n')
  const cut = (line: string): string => line.slice(0, columns)
  const lines = [
    ...head.slice(0, 2).map(cut),
    snapshot.thresholds.some(({ state }) => state === 'tripped') ? styled('red', cut(tripped!)) : cut(tripped!),
    '',
    titleLine(titles!.padEnd(columns).slice(0, columns), options.by.title, styled),
    ...table.map(cut),
    ...Array<string>(room - table.length).fill(''),
    options.trouble === null ? styled('dim', cut(keys)) : styled('red', cut(options.trouble)),
  ]
  return { lines: lines.slice(0, rows), widths }
}

type Styled = (style: 'red' | 'dim' | 'inverse' | 'bold', text: string) => string

/** The line of column titles. The title of the sort column is bold, and the others are inverse. */
function titleLine(titles: string, title: string, styled: Styled): string {
  const begin = titles.search(new RegExp(`(?<= |^)${title}(?= |$)`))
  if (begin === -1) return styled('inverse', titles)
  const end = begin + title.length
  return `${styled('inverse', titles.slice(0, begin))}${styled('bold', title)}${styled('inverse', titles.slice(end))}`
}

/** What `top` shows, as lines: of the machine a head, then the processes. */

import { styleText } from 'node:util'
import { processColumns } from '../tree/nodes/directories.ts'
import { alignTable, cpuText, printable, renderTable, sizeText } from '../tree/text.ts'
import type { LimitView, ProcessView, SystemView, ThresholdView } from '../tree/views.ts'
import { clockText } from './event-line.ts'
import { type Order, sorted } from './process-table.ts'
import type { Size } from './screen.ts'

/** All that a frame is made of. */
export interface TopSnapshot {
  /** ms of Unix time. */
  readonly at: number
  readonly system: SystemView
  readonly cpu: LimitView
  readonly memory: LimitView
  readonly thresholds: readonly ThresholdView[]
  readonly processes: readonly ProcessView[]
}

export interface FrameOptions extends Order<ProcessView> {
  /** What the last line says instead of the keys; null where nothing is wrong. */
  readonly trouble: string | null
  /** Of the columns at least. */
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

/** One after the other, for a file or a pipe. */
export function page(snapshot: TopSnapshot, order: Order<ProcessView>): string {
  const table = renderTable(processColumns, sorted(snapshot.processes, order))
  return `${headOf(snapshot).join('\n')}\n\n${table}`
}

const keys = 'q quits   < > or the first letter of a column sorts   r the other way round'

export interface Frame {
  /** As many as fit. */
  readonly lines: readonly string[]
  /** Of the columns, for the next frame: what is wide today and narrow tomorrow would make all of them jump. */
  readonly widths: readonly number[]
}

export function frame(snapshot: TopSnapshot, look: FrameOptions, { rows, columns }: Size): Frame {
  const head = headOf(snapshot)
  const [, , tripped] = head
  // The head, a blank line, the titles, and the last line.
  const room = Math.max(0, rows - head.length - 3)
  const shown = sorted(snapshot.processes, look).slice(0, room)
  const { text, widths } = alignTable(processColumns, shown, look.widths)
  const [titles, ...table] = text.trimEnd().split('\n')
  const cut = (line: string): string => line.slice(0, columns)
  const lines = [
    ...head.slice(0, 2).map(cut),
    snapshot.thresholds.some(({ state }) => state === 'tripped') ? styled('red', cut(tripped!)) : cut(tripped!),
    '',
    titleLine(titles!.padEnd(columns).slice(0, columns), look.by.title),
    ...table.map(cut),
    ...Array<string>(room - table.length).fill(''),
    look.trouble === null ? styled('dim', cut(keys)) : styled('red', cut(look.trouble)),
  ]
  return { lines: lines.slice(0, rows), widths }
}

function styled(style: 'red' | 'dim' | 'inverse' | 'bold', text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

/** The title of the column that is sorted by stands out of the others. */
function titleLine(titles: string, title: string): string {
  const begin = titles.search(new RegExp(`(?<= |^)${title}(?= |$)`))
  if (begin === -1) return styled('inverse', titles)
  const end = begin + title.length
  return `${styled('inverse', titles.slice(0, begin))}${styled('bold', title)}${styled('inverse', titles.slice(end))}`
}

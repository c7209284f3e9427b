/** Formats an event as one line for terminals: time, type, subject, and the essential data. */

import { styleText } from 'node:util'
import { z } from 'zod'
import { printable } from '../base/terminal-text.ts'
import { eventRowOf, eventText } from '../kernel/events.ts'

export const StreamedEvent = z.looseObject({
  type: z.string(),
  subject: z.string(),
  time: z.iso.datetime(),
  /** Absent in bookmarks and errors. */
  sequence: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
})
export type StreamedEvent = z.output<typeof StreamedEvent>

function colourOf(type: string): 'red' | 'green' | null {
  const row = eventRowOf(type)
  if (row === null) return null
  if (row.severity !== 'info') return 'red'
  return row.closes === undefined ? null : 'green'
}

/** Formats the line; colours are used on terminals only. @param today Unix time in ms; dates of other days are shown */
export function eventLine({ type, subject, time, data }: StreamedEvent, today: number): string {
  const essential = eventText(type, data)
  const head = `${clockText(Date.parse(time), today)}  `
  const kind = printable(type).padEnd(17)
  const colour = colourOf(type)
  const shown = colour === null ? kind : styleText(colour, kind, { stream: process.stdout })
  return `${head}${shown}  ${printable(`${subject}  ${essential}`.trimEnd())}\n`
}

/** Local time; with the date if it is not today. */
export function clockText(ms: number, today: number): string {
  const [date, clock] = localParts(ms)
  return date === localParts(today)[0] ? clock : `${date} ${clock}`
}

function localParts(ms: number): [date: string, clock: string] {
  const at = new Date(ms)
  const two = (part: number): string => String(part).padStart(2, '0')
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return [date, `${clock}.${String(at.getMilliseconds()).padStart(3, '0')}`]
}

/** An event as a line for people: when, what, where, and the essential of its data. */

import { styleText } from 'node:util'
import { z } from 'zod'
import { printable } from '../tree/text.ts'
import { amountText } from './amount.ts'

export const StreamedEvent = z.looseObject({
  type: z.string(),
  subject: z.string(),
  time: z.iso.datetime(),
  /** Of all but bookmarks and errors. */
  sequence: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
})
export type StreamedEvent = z.output<typeof StreamedEvent>

type Data = StreamedEvent['data']

function text(value: unknown): string {
  return value === null || value === undefined ? '-' : String(value)
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

/** What the value is, and what is known of it besides. */
function valueText({ limit, value, unreadable, estimate }: Data): string {
  const amount = amountText(text(limit), number(value))
  return `${unreadable === undefined ? '' : 'at least '}${amount}${estimate === undefined ? '' : ` (${text(estimate)})`}`
}

const Top = z.array(z.looseObject({ path: z.string(), value: z.number(), name: z.string().optional() })).catch([])

function topText({ limit, top }: Data): string {
  const parts = Top.parse(top).map(({ name, path, value }) => `${name ?? path} ${amountText(text(limit), value)}`)
  return parts.length === 0 ? '' : `; most: ${parts.join(', ')}`
}

function withName({ name }: Data, rest: string): string {
  return typeof name === 'string' ? `${name}: ${rest}` : rest
}

function tripped(data: Data): string {
  const { limit, at, capacity, direction, initial, note } = data
  const point = `${direction === 'falling' ? 'down to' : 'at'} ${amountText(text(limit), number(at))}`
  const whole = number(capacity) === null ? '' : ` of ${amountText(text(limit), number(capacity))}`
  const already = initial === true ? ', already when it was set' : ''
  return withName(data, `${valueText(data)}, ${point}${whole}${already}${topText(data)}${noteText(note)}`)
}

function cleared(data: Data): string {
  const value = number(data.value) === null ? '' : `${valueText(data)}, `
  return withName(data, `${value}${text(data.reason)}${noteText(data.note)}`)
}

function limitChanged(data: Data): string {
  const { limit, from, changes } = data
  const times = changes === 1 ? '' : ` in ${text(changes)} changes`
  return withName(
    data,
    `${valueText(data)}, from ${amountText(text(limit), number(from))}${times}${noteText(data.note)}`,
  )
}

function noteText(note: unknown): string {
  return typeof note === 'string' ? ` (${note})` : ''
}

function died(data: Data): string {
  const { code, signal } = data
  if (typeof signal === 'string') return withName(data, `killed by ${signal}`)
  return withName(data, code === null || code === undefined ? 'how is not known' : `exit code ${text(code)}`)
}

/** What is essential in the data of a type; of the others every plain value is shown. */
const essentials: Readonly<Record<string, (data: Data) => string>> = {
  'threshold.tripped': tripped,
  'threshold.cleared': cleared,
  'limit.changed': limitChanged,
  'process.created': (data) => withName(data, `parent ${text(data.parent)}, uid ${text(data.uid)}`),
  'process.changed': (data) => withName(data, `${text(data.what)} ${text(data[changed[text(data.what)] ?? ''])}`),
  'process.died': died,
  'thread.created': ({ name }) => text(name),
  'thread.died': ({ name }) => text(name),
  'partition.created': () => '',
  'partition.died': () => '',
  'source.degraded': ({ what, reason }) => `${text(what)}: ${text(reason)}`,
  'source.recovered': ({ what, reason }) => `${text(what)}: ${text(reason)}`,
  'events.lost': ({ count, from, to, why }) =>
    `${text(count ?? 'an unknown number')} from ${text(from)} to ${text(to)}: ${text(why)}`,
}

/** Where it stands what a process changed to. */
const changed: Readonly<Record<string, string>> = {
  exec: 'executable',
  name: 'name',
  uid: 'uid',
  partition: 'partition',
}

function plainValues(data: Data): string {
  return Object.entries(data)
    .filter(([, value]) => typeof value !== 'object')
    .map(([name, value]) => `${name}=${text(value)}`)
    .join(' ')
}

const colours: Readonly<Record<string, 'red' | 'green'>> = {
  'threshold.tripped': 'red',
  'events.lost': 'red',
  'source.degraded': 'red',
  'threshold.cleared': 'green',
  'source.recovered': 'green',
}

/** Preconditions: `today` is now, as ms of Unix time; only a terminal gets colours. */
export function eventLine({ type, subject, time, data }: StreamedEvent, today: number): string {
  const essential = (essentials[type] ?? plainValues)(data)
  const head = `${clockText(Date.parse(time), today)}  `
  const kind = printable(type).padEnd(17)
  const colour = colours[type]
  const shown = colour === undefined ? kind : styleText(colour, kind, { stream: process.stdout })
  return `${head}${shown}  ${printable(`${subject}  ${essential}`.trimEnd())}\n`
}

/** As the clock on the wall shows it; the date only where it is another. */
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

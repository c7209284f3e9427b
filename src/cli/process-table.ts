/** The table of processes that `ps` and `top` show: which, and in which order. */

import { z } from 'zod'
import { didYouMean } from '../base/nearest.ts'
import type { Column } from '../tree/definition.ts'
import { processColumns } from '../tree/nodes/nodes.ts'
import type { ProcessView } from '../tree/views.ts'
import { CliError } from './error.ts'
import type { ServiceConnection } from './service-connection.ts'

const titles = processColumns.map(({ title }) => title.toLowerCase()).join(', ')

export const sortMeaning = `column to sort by, numbers from the largest: ${titles}`

export const tableOptions = {
  reverse: z.boolean().default(false).describe('the other way round'),
  name: z.string().optional().describe('only processes whose name has this in it, in either case'),
  part: z.string().optional().describe('only those of this partition, as the column PARTITION shows it'),
}

export interface Chosen {
  readonly name?: string | undefined
  readonly part?: string | undefined
}

/** @throws CliError */
export async function readProcesses(
  connection: ServiceConnection,
  { name, part }: Chosen,
  signal?: AbortSignal,
): Promise<readonly ProcessView[]> {
  const path: `/sys/part/${string}/proc` | '/sys/proc' =
    part === undefined ? '/sys/proc' : `/sys/part/${part.split('/').join('/part/')}/proc`
  const { body } = await connection.reply(connection.client.get(path, signal === undefined ? {} : { signal }))
  const { entries } = body
  if (name === undefined) return entries
  const wanted = name.toLowerCase()
  return entries.filter((entry) => entry.name.toLowerCase().includes(wanted))
}

/** @throws CliError where there is no such column */
export function columnNamed<Entry>(columns: readonly Column<Entry>[], name: string): Column<Entry> {
  const found = columns.find(({ title }) => title === name.toUpperCase())
  if (found !== undefined) return found
  const names = columns.map(({ title }) => title.toLowerCase())
  const instead = didYouMean(name, names) || `; there are ${names.join(', ')}`
  throw new CliError(`--sort: there is no column ${name}${instead}`)
}

function isKnown(amount: number | null | undefined): boolean {
  return amount !== null && amount !== undefined
}

function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

export interface Order<Entry> {
  readonly by: Column<Entry>
  readonly reverse: boolean
}

/** Numbers from the largest, text from A; what is not known comes last either way. */
export function sorted<Entry>(entries: readonly Entry[], { by, reverse }: Order<Entry>): Entry[] {
  const sign = reverse ? -1 : 1
  const { by: numberOf, cell } = by
  if (numberOf === undefined) return entries.toSorted((one, other) => sign * compareTexts(cell(one), cell(other)))
  const known = entries.filter((entry) => isKnown(numberOf(entry)))
  const unknown = entries.filter((entry) => !isKnown(numberOf(entry)))
  return [...known.sort((one, other) => sign * (numberOf(other)! - numberOf(one)!)), ...unknown]
}

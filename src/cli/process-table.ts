/** Fetches, filters and sorts the processes that `ps` and `top` show, and defines the options they share. */

import { z } from 'zod'
import { didYouMean } from '../base/nearest.ts'
import type { Column } from '../tree/definition.ts'
import { processColumns } from '../tree/nodes/directories.ts'
import type { ProcessView } from '../tree/views.ts'
import { CliError } from './error.ts'
import type { ServiceConnection } from './service-connection.ts'

const titles = processColumns.map(({ title }) => title.toLowerCase()).join(', ')

export const sortMeaning = `column to sort by, numbers in descending order: ${titles}`

export const tableOptions = {
  reverse: z.boolean().default(false).describe('reverse the order'),
  name: z.string().optional().describe('show only processes whose name contains this text, ignoring case'),
  part: z.string().optional().describe('show only processes of this partition, written as in the column PARTITION'),
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

/** @throws CliError there is no such column */
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

/** Sorts numbers in descending and text in ascending order. Unknown values come last, also in reverse order. */
export function sorted<Entry>(entries: readonly Entry[], { by, reverse }: Order<Entry>): Entry[] {
  const sign = reverse ? -1 : 1
  const { by: numberOf, cell } = by
  if (numberOf === undefined) return entries.toSorted((one, other) => sign * compareTexts(cell(one), cell(other)))
  const known = entries.filter((entry) => isKnown(numberOf(entry)))
  const unknown = entries.filter((entry) => !isKnown(numberOf(entry)))
  return [...known.sort((one, other) => sign * (numberOf(other)! - numberOf(one)!)), ...unknown]
}

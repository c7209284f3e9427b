/** Fetches, filters and sorts the processes that `ps` and `top` show, and defines the options they share. */

import { z } from 'zod'
import { didYouMean } from '../base/nearest.ts'
import type { Column } from '../tree/definition.ts'
import { processColumns } from '../tree/nodes/directories.ts'
import { partitionPath } from '../tree/partition-name.ts'
import { arrangeProcesses, isKernelThread } from '../tree/text-lists.ts'
import type { ProcessView } from '../tree/views.ts'
import { CliError } from './error.ts'
import type { ServiceConnection } from './service-connection.ts'

/** Name of a column as people type it: `%CPU` is `cpu`. */
export function columnName({ title }: Pick<Column<never>, 'title'>): string {
  return title.replace('%', '').toLowerCase()
}

export const sortWords = processColumns.map(columnName)

export const sortMeaning = `column to sort by, numbers in descending order: ${sortWords.join(', ')}; cpu is in percent of one CPU`

export const tableOptions = {
  reverse: z.boolean().default(false).describe('reverse the order'),
  name: z.string().optional().describe('show only processes whose name contains this text, ignoring case'),
  part: z
    .string()
    .optional()
    .describe('show only processes of this partition and those in it, written as in the column PARTITION'),
  all: z.boolean().default(false).describe('show the threads of the Linux kernel, too, with their names in brackets'),
}

export interface Chosen {
  readonly name?: string | undefined
  readonly part?: string | undefined
  readonly all: boolean
}

export interface ChosenProcesses {
  readonly processes: readonly ProcessView[]
  /** Kernel threads that are not shown. */
  readonly hiddenPids: ReadonlySet<number>
  /** The list has the effects of all events up to here. */
  readonly cursor: string
}

/** Reads the chosen processes; kernel threads come last. @throws CliError */
export async function readProcesses(
  connection: ServiceConnection,
  chosen: Chosen,
  signal?: AbortSignal,
): Promise<ChosenProcesses> {
  const { part } = chosen
  const path = part === undefined ? '/sys/proc' : (`${partitionPath(part)}/proc` as const)
  const { body, cursor } = await connection.reply(connection.client.get(path, signal === undefined ? {} : { signal }))
  const named = body.entries.filter((entry) => hasName(entry, chosen))
  const hidden = chosen.all ? [] : body.entries.filter(isKernelThread)
  const processes = named.filter((entry) => chosen.all || !isKernelThread(entry))
  return {
    processes: arrangeProcesses(processes).entries,
    hiddenPids: new Set(hidden.map(({ pid }) => pid)),
    cursor,
  }
}

export function hasName({ name: own }: Pick<ProcessView, 'name'>, { name }: Pick<Chosen, 'name'>): boolean {
  return name === undefined || own.toLowerCase().includes(name.toLowerCase())
}

/** @throws CliError there is no such column */
export function columnNamed<Entry>(columns: readonly Column<Entry>[], name: string): Column<Entry> {
  const found = columns.find((column) => columnName(column) === name.toLowerCase().replace('%', ''))
  if (found !== undefined) return found
  const names = columns.map(columnName)
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

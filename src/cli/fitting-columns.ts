/** Chooses the columns of a table that fit a terminal. */

import type { Column } from '../tree/definition.ts'

interface Room<Entry> {
  /** The column by which the table is sorted stays. */
  readonly by: Column<Entry>
  readonly widths: readonly number[]
  /** Columns of the terminal. */
  readonly width: number
}

/** Titles in the order in which columns are left out. The others stay, and the last one may be cut. */
const leftOutFirst = ['PARTITION', 'SINCE', 'STACK', 'OF', 'UID', 'STATES', 'ON', 'THREADS', 'FDS', 'MEMORY', '%CPU']

/** Indices of the columns to show, in their order. */
export function fittingColumns<Entry>(columns: readonly Column<Entry>[], { by, widths, width }: Room<Entry>): number[] {
  let shown = columns.map((_, place) => place)
  for (const title of leftOutFirst) {
    if (needed(columns, shown, widths) <= width) break
    const place = columns.findIndex((column) => column.title === title)
    if (place !== -1 && columns[place] !== by) shown = shown.filter((each) => each !== place)
  }
  return shown
}

/** Text at the end of the line may be cut, but not below its title. */
function needed<Entry>(columns: readonly Column<Entry>[], shown: readonly number[], widths: readonly number[]): number {
  const last = shown.at(-1)!
  const sum = shown.reduce((total, place) => total + widths[place]! + 2, -2)
  const { align, title } = columns[last]!
  return align === 'left' && shown.length > 1 ? sum - widths[last]! + title.length : sum
}

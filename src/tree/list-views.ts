/** Defines the schemas of lists in replies. */

import { z } from 'zod'
import { path } from './value-schemas.ts'

const next = z.string().nullable().describe('Cursor of the next page; null at the end')

/** The reply of a directory: its entries, and the cursor of the next page. */
export function listOf<Entry extends z.ZodType>(entry: Entry) {
  return z.strictObject({ path, entries: z.array(entry), next }).meta(nameOf(entry))
}

/** The reply of a list that is incomplete on some machines. */
export function listWithGapOf<Entry extends z.ZodType>(entry: Entry) {
  const incomplete = z.string().exactOptional().describe('The reason why entries are missing on this machine')
  return z.strictObject({ path, entries: z.array(entry), next, incomplete }).meta(nameOf(entry))
}

/** A list has a name of its own, so that generated clients have one type for it and not one for each path. */
function nameOf(entry: z.ZodType): { readonly id: string } {
  return { id: `${entry.meta()!.id}List` }
}

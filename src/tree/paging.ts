/**
 * Splits a list into pages. The cursor of a page names its last entry, so new and removed entries before it do not
 * shift the next page.
 */

import { z } from 'zod'
import { MalformedQuery } from './errors.ts'

export interface PageRequest {
  readonly limit: number | null
  /** Opaque; the `next` of the previous page. */
  readonly cursor: string | null
}

type Key = string | number

const Cursor = z.tuple([z.string(), z.union([z.string(), z.number()])])

function encode(path: string, key: Key): string {
  return Buffer.from(JSON.stringify([path, key])).toString('base64url')
}

/** @throws MalformedQuery */
function decode(path: string, cursor: string): Key {
  const [of, key] = parse(cursor) ?? []
  if (key === undefined) throw new MalformedQuery('cursor', 'it is not one that this service gave as `next`')
  if (of !== path) throw new MalformedQuery('cursor', `it is of ${of}, not of ${path}`)
  return key
}

function parse(cursor: string): z.output<typeof Cursor> | null {
  try {
    return Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch {
    return null
  }
}

export interface Page<Child> {
  readonly children: readonly Child[]
  readonly next: string | null
}

/** Preconditions: the children are in ascending order of their keys. @throws MalformedQuery */
export function pageOf<Child>(
  { path, all, key }: { path: string; all: readonly Child[]; key: (child: Child) => Key },
  { limit, cursor }: PageRequest,
): Page<Child> {
  const after = cursor === null ? null : decode(path, cursor)
  if (after !== null && all.length > 0 && typeof key(all[0]!) !== typeof after) {
    throw new MalformedQuery('cursor', 'it is not one that this service gave as `next`')
  }
  const found = after === null ? 0 : all.findIndex((child) => key(child) > after)
  const begin = found === -1 ? all.length : found
  const children = limit === null ? all.slice(begin) : all.slice(begin, begin + limit)
  const last = children.at(-1)
  const hasMore = last !== undefined && begin + children.length < all.length
  return { children, next: hasMore ? encode(path, key(last)) : null }
}

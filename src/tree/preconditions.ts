/** Checks `If-Match` and `If-None-Match` against the resource that a client wants to change. */

import { PreconditionFailed } from './errors.ts'
import type { Preconditions } from './verb.ts'

interface Revised {
  readonly revision: number
}

export function etagOf({ revision }: Revised): string {
  return `"${revision}"`
}

/**
 * @param noun names the resource, such as "threshold"
 * @param existing null if the resource does not exist yet
 * @throws PreconditionFailed
 */
export function checkPreconditions(
  noun: string,
  existing: Revised | null,
  { ifMatch, ifNoneMatch }: Preconditions,
): void {
  const matches = (list: string) =>
    existing !== null && (list.trim() === '*' || list.split(',').some((tag) => tag.trim() === etagOf(existing)))
  if (ifMatch !== null && !matches(ifMatch))
    throw new PreconditionFailed(existing === null ? `there is no such ${noun}` : `its ETag is ${etagOf(existing)}`)
  if (ifNoneMatch !== null && matches(ifNoneMatch)) throw new PreconditionFailed(`the ${noun} already exists`)
}

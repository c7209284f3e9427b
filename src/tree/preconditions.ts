/** `If-Match` and `If-None-Match` of what clients set. */

import type { Preconditions } from './definition.ts'
import { PreconditionFailed } from './errors.ts'

interface Revised {
  readonly revision: number
}

export function etagOf({ revision }: Revised): string {
  return `"${revision}"`
}

/** @param what as in "threshold" @throws PreconditionFailed */
export function checkPreconditions(what: string, there: Revised | null, { ifMatch, ifNoneMatch }: Preconditions): void {
  const matches = (list: string) =>
    there !== null && (list.trim() === '*' || list.split(',').some((tag) => tag.trim() === etagOf(there)))
  if (ifMatch !== null && !matches(ifMatch))
    throw new PreconditionFailed(there === null ? `there is no such ${what}` : `its ETag is ${etagOf(there)}`)
  if (ifNoneMatch !== null && matches(ifNoneMatch)) throw new PreconditionFailed(`there is such a ${what} already`)
}

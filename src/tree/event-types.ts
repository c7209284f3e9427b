/** Matches event types against the types of a subscription: names, or prefixes that end with `*`. */

import { nearest } from '../base/nearest.ts'
import { eventTypes } from '../kernel/events.ts'

const known = eventTypes.map(({ type }) => type)

const families = [...new Set(known.map((type) => type.replace(/\..*/, '.*')))]

export function isWanted(wanted: string, type: string): boolean {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted
}

export function hasWanted(wanted: readonly string[], types: readonly string[]): boolean {
  return types.some((type) => wanted.some((each) => isWanted(each, type)))
}

/** @returns a message about the first requested type that matches no event; null if every type is valid */
export function strangeType(wanted: readonly string[]): string | null {
  const strange = wanted.find((each) => !known.some((type) => isWanted(each, type)))
  if (strange === undefined) return null
  const meant = nearest(strange, strange.endsWith('*') ? [...families, ...known] : known)
  const instead = meant === null ? `there are ${known.join(', ')}` : `did you mean ${meant}?`
  return `there is no event ${strange}; ${instead}`
}

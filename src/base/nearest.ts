/** Suggests the name that a mistyped word most likely meant. */

import { distance } from 'fastest-levenshtein'

/** A longer word is not a typing error. */
const charactersMax = 64

/** The name nearest to a word; null when none is near enough. */
export function nearest(word: string, names: Iterable<string>): string | null {
  if (word.length > charactersMax) return null
  const near = [...names]
    .map((name) => ({ name, edits: editsBetween(word.toLowerCase(), name.toLowerCase()) }))
    // At most half of the letters may differ: a more distant suggestion only confuses.
    .filter(({ name, edits }) => edits * 2 <= Math.max(word.length, name.length))
  return near.sort((one, other) => one.edits - other.edits)[0]?.name ?? null
}

/** Letters in another order count as one edit, as in `prot`. */
function editsBetween(one: string, other: string): number {
  return one !== other && lettersOf(one) === lettersOf(other) ? 1 : distance(one, other)
}

function lettersOf(word: string): string {
  return [...word].sort().join('')
}

/** The end of an error message: `; did you mean port?`, or nothing. */
export function didYouMean(word: string, names: Iterable<string>): string {
  const name = nearest(word, names)
  return name === null ? '' : `; did you mean ${name}?`
}

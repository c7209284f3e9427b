/** What was probably meant by a word that was typed wrong. */

import { distance } from 'fastest-levenshtein'

/** Longer words are no slips of a finger. */
const charactersMax = 64

/** The name that is nearest to a word; null where none is so near that it could be meant. */
export function nearest(word: string, names: Iterable<string>): string | null {
  if (word.length > charactersMax) return null
  const near = [...names]
    .map((name) => ({ name, edits: editsBetween(word.toLowerCase(), name.toLowerCase()) }))
    // Half of it at most: further away, a suggestion is a riddle.
    .filter(({ name, edits }) => edits * 2 <= Math.max(word.length, name.length))
  return near.sort((one, other) => one.edits - other.edits)[0]?.name ?? null
}

/** Letters in another order are one slip, as in `prot`. */
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

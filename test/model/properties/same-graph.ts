/**
 * Compares two graphs of objects field by field, whatever their types. It finds state that a copy lacks.
 */

/** Decides whether the value of a field is not compared. */
type Ignored = (field: string, found: unknown, holder: object) => boolean

/** Returns the first difference, or null. Private fields (#) are invisible. */
export function difference(one: unknown, other: unknown, ignored: Ignored = () => false): string | null {
  const twins = new Map<unknown, unknown>()
  const open: [unknown, unknown, string][] = [[one, other, '']]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [a, b, path] = next
    if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) {
      if (typeof a === 'function' && typeof b === 'function') continue
      if (!Object.is(a, b)) return `${path}: ${String(a)} instead of ${String(b)}`
      continue
    }
    if (twins.has(a)) {
      if (twins.get(a) !== b) return `${path}: not the same object as elsewhere`
      continue
    }
    twins.set(a, b)
    if (a.constructor !== b.constructor) return `${path}: ${a.constructor.name} instead of ${b.constructor.name}`
    const [parts, others] = [partsOf(a), partsOf(b)]
    if (parts.length !== others.length) return `${path}: ${parts.length} parts instead of ${others.length}`
    for (const [place, [name, part]] of parts.entries()) {
      const [otherName, otherPart] = others[place]!
      if (name !== otherName) return `${path}: ${name} instead of ${otherName}`
      if (!ignored(name, otherPart, b)) open.push([part, otherPart, `${path}.${name}`])
    }
  }
  return null
}

function partsOf(object: object): [string, unknown][] {
  if (object instanceof Map)
    return [...object].flatMap(([key, value], place): [string, unknown][] => [
      [`key ${place}`, key],
      [`${place}`, value],
    ])
  if (object instanceof Set) return [...object].map((value, place) => [`${place}`, value])
  return Object.entries(object)
}

/** Compares an expected value with the actual value, and describes each difference as text. */

/**
 * @returns texts such as `data.value: expected 41, got 50`. In objects only the expected fields are compared; other
 * values must be equal.
 */
export function missesIn(wanted: unknown, actual: unknown, path: string): string[] {
  if (isRecord(wanted) && isRecord(actual)) {
    const below = (key: string): string => (path === '' ? key : `${path}.${key}`)
    return Object.entries(wanted).flatMap(([key, inner]) => missesIn(inner, actual[key], below(key)))
  }
  if (Array.isArray(wanted) && Array.isArray(actual) && wanted.length === actual.length)
    return wanted.flatMap((inner, place) => missesIn(inner, actual[place], `${path}[${place}]`))
  if (!isRecord(wanted) && !Array.isArray(wanted) && wanted === actual) return []
  return [`${path}: expected ${valueText(wanted)}, got ${valueText(actual)}`]
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function valueText(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing'
}

export function timesText(count: number): string {
  return count === 0 ? 'never' : count === 1 ? 'once' : `${count} times`
}

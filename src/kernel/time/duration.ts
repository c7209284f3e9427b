/** Parses durations such as `25ms` or `2h`. */

const factors = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** A duration as people write it: `25ms`, `1.5s`, `2h`. Whole ms, rounded up; null where the text is no duration. */
export function parseDuration(text: string): number | null {
  const [, number, unit] = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h)$/.exec(text) ?? []
  return number === undefined ? null : Math.ceil(Number(number) * factors[unit as keyof typeof factors])
}

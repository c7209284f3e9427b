/** Writes amounts of each unit for people: bytes as 1.5K, CPU as a percentage of one CPU, times as 250ms. */

const sizes = ['B', 'K', 'M', 'G', 'T', 'P']

/** Bytes for people: 0B, 1.5K, 12M. */
export function sizeText(bytes: number | undefined): string {
  if (bytes === undefined) return '-'
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < sizes.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)}${sizes[unit]}`
}

export function countText(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : String(value)
}

/** The number of `cpuText`, for a column that says percent in its title. */
export function percentText(permille: number | null | undefined): string {
  return permille === null || permille === undefined ? '-' : (permille / 10).toFixed(1)
}

/** Permille of one CPU as a percentage of one CPU. */
export function cpuText(permille: number | undefined): string {
  return permille === undefined ? '-' : `${(permille / 10).toFixed(1)}%`
}

/** Times in µs: 12µs, 250ms, 1.5s. */
export function microsecondsText(us: number): string {
  if (us < 1000) return `${us}µs`
  return us < 1e6 ? `${Math.round(us / 1000)}ms` : `${(us / 1e6).toFixed(1)}s`
}

/**
 * Parses `/proc/meminfo`. Values are bytes; null if the line is absent (`MemAvailable` came with Linux
 * 3.14), or if its number cannot be counted exactly.
 */
export interface Meminfo {
  readonly total: number | null
  readonly available: number | null
  readonly free: number | null
  readonly swapTotal: number | null
  readonly swapFree: number | null
}

function bytesOf(text: string, key: string): number | null {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text)
  const bytes = found ? Number(found[1]) * 1024 : Number.NaN
  return Number.isSafeInteger(bytes) ? bytes : null
}

export function parseMeminfo(text: string): Meminfo {
  return {
    total: bytesOf(text, 'MemTotal'),
    available: bytesOf(text, 'MemAvailable'),
    free: bytesOf(text, 'MemFree'),
    swapTotal: bytesOf(text, 'SwapTotal'),
    swapFree: bytesOf(text, 'SwapFree'),
  }
}

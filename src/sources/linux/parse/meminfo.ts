/** Bytes; null where `/proc/meminfo` does not say (`MemAvailable` came with Linux 3.14). */
export interface Meminfo {
  readonly total: number | null
  readonly available: number | null
}

const bytesOf = (text: string, key: string): number | null => {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text)
  return found ? Number(found[1]) * 1024 : null
}

export const parseMeminfo = (text: string): Meminfo => ({
  total: bytesOf(text, 'MemTotal'),
  available: bytesOf(text, 'MemAvailable'),
})

/** Parses the files of a cgroup: its maxima, and the memory in it that the kernel can reclaim. */

/** Version 1 shows a number near 2^63 where no maximum is set. */
const unlimitedFrom = 2 ** 53

const [zero, nine, letterM, minus, newline] = [48, 57, 109, 45, 10]

/**
 * A whole number, or `max`: Infinity, no maximum is set. NaN: the file has something else. These files are read in
 * every scan, so this makes no strings.
 */
export function parseMaximum(bytes: Uint8Array, length: number): number {
  const end = length > 0 && bytes[length - 1] === newline ? length - 1 : length
  if (end === 3 && bytes[0] === letterM) return Number.POSITIVE_INFINITY
  let number = end > 0 ? 0 : Number.NaN
  for (let at = 0; at < end; at++) {
    const byte = bytes[at]!
    number = byte >= zero && byte <= nine ? number * 10 + (byte - zero) : Number.NaN
  }
  return number >= unlimitedFrom ? Number.POSITIVE_INFINITY : number
}

/** Whether a file with a quota of CPU time begins like one without a quota: `max` in version 2, -1 in version 1. */
export function hasNoQuota(bytes: Uint8Array): boolean {
  return bytes[0] === letterM || bytes[0] === minus
}

/**
 * `cpu.max` has "max 100000" or "50000 100000"; version 1 has two files, in which -1 is no limit. Returns null for no
 * limit.
 */
export function cpuMaxOf(quota: string | null, period: string | null): number | null {
  const [quotaText, periodText] = quota === null ? [] : period === null ? quota.split(' ') : [quota, period]
  const [quotaUs, periodUs] = [Number(quotaText), Number(periodText)]
  const permille = quotaUs > 0 && periodUs > 0 ? Math.round((quotaUs * 1000) / periodUs) : Number.NaN
  return Number.isSafeInteger(permille) ? permille : null
}

/** Number of CPUs in a list such as `0-3,8`; null if it is none. */
export function countCpus(text: string): number | null {
  let count = 0
  for (const range of text.split(',')) {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? []
    if (first === undefined) return null
    count += Number(last ?? first) - Number(first) + 1
  }
  return Number.isSafeInteger(count) && count > 0 ? count : null
}

/**
 * The lines of `memory.stat` that count page cache and slab memory which the kernel takes back when memory is needed.
 * Memory of tmpfs and locked memory are on other lines. The totals of version 1 include the cgroups below, as all
 * lines of version 2 do.
 */
const reclaimableLines = {
  v2: ['inactive_file', 'active_file', 'slab_reclaimable'],
  memory: ['total_inactive_file', 'total_active_file'],
} as const

/** Bytes that the kernel can reclaim; null if the text has no such line. */
export function parseReclaimable(text: string, hierarchy: keyof typeof reclaimableLines): number | null {
  let sum: number | null = null
  for (const name of reclaimableLines[hierarchy]) {
    const at = text.indexOf(`\n${name} `)
    const number = at < 0 ? Number.NaN : Number.parseInt(text.slice(at + name.length + 2), 10)
    if (Number.isSafeInteger(number)) sum = (sum ?? 0) + number
  }
  return Number.isSafeInteger(sum) ? sum : null
}

/** Bytes swapped out of a cgroup of version 1 and those below it; null if its `memory.stat` has no such line. */
export function parseTotalSwap(text: string): number | null {
  const bytes = Number(/^total_swap (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
  return Number.isSafeInteger(bytes) ? bytes : null
}

/**
 * Number of processes that the kernel killed because memory ran out: the line `oom_kill` of `memory.events`, of
 * `memory.oom_control` and of `/proc/vmstat`. Null before Linux 4.13, which has no such line.
 */
export function parseOomKills(text: string): number | null {
  const count = Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
  return Number.isSafeInteger(count) ? count : null
}

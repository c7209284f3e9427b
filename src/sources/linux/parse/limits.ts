/** Parses `/proc/P/limits` into rlimits under their POSIX names. */

import { type RlimitName, rlimits } from '../../../kernel/limits/rlimits.ts'
import type { Rlimit } from '../../../kernel/nodes/process.ts'

export type Rlimits = Readonly<Record<string, Rlimit>>

export const unlimited = 'unlimited'

const posixNames: ReadonlyMap<string, RlimitName> = new Map(
  rlimits.flatMap(({ name, linux }) => (linux === null ? [] : [[linux.title, name]])),
)

function limitOf(field: string): number {
  return field === unlimited ? Number.POSITIVE_INFINITY : Math.min(Number(field), Number.MAX_SAFE_INTEGER)
}

function isExact(field: string): boolean {
  return field === unlimited || Number(field) <= Number.MAX_SAFE_INTEGER
}

/** @param soft and `hard`: decimal digits, or `unlimited` */
export function makeRlimit(soft: string, hard: string): Rlimit {
  const numbers = { soft: limitOf(soft), hard: limitOf(hard) }
  return isExact(soft) && isExact(hard) ? numbers : { ...numbers, exact: { soft, hard } }
}

/** Bytes, seconds or counts as in POSIX; Infinity is unlimited. Lines that POSIX does not know are left out. */
export function parseLimits(text: string): Rlimits {
  const found: Record<string, Rlimit> = {}
  for (const line of text.split('\n')) {
    const fields = /^(Max .+?)\s{2,}(unlimited|\d{1,20})\s+(unlimited|\d{1,20})(?:\s|$)/.exec(line)
    const name = fields && posixNames.get(fields[1]!)
    if (fields && name) found[name] = makeRlimit(fields[2]!, fields[3]!)
  }
  return found
}

/** Parses `/proc/P/limits` into rlimits under their POSIX names. */

import { type RlimitName, rlimits } from '../../../kernel/limits/rlimits.ts'

export type Rlimits = Readonly<Record<string, { readonly soft: number; readonly hard: number }>>

const posixNames: ReadonlyMap<string, RlimitName> = new Map(
  rlimits.flatMap(({ name, linux }) => (linux === null ? [] : [[linux.title, name]])),
)

function limitOf(field: string): number {
  return field === 'unlimited' ? Number.POSITIVE_INFINITY : Number(field)
}

/** Bytes, seconds or counts as in POSIX; Infinity is unlimited. Lines that POSIX does not know are left out. */
export function parseLimits(text: string): Rlimits {
  const found: Record<string, { soft: number; hard: number }> = {}
  for (const line of text.split('\n')) {
    const fields = /^(Max .+?)\s{2,}(unlimited|\d+)\s+(unlimited|\d+)(?:\s|$)/.exec(line)
    const name = fields && posixNames.get(fields[1]!)
    if (fields && name) found[name] = { soft: limitOf(fields[2]!), hard: limitOf(fields[3]!) }
  }
  return found
}

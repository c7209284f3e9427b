/** Parses `/proc/<pid>/status`: identity of a process, and lines that feed a limit. */

import type { StatusLine } from '../../../kernel/limits/linux-reading.ts'

/** Sizes are bytes; null if the line is absent, as for kernel threads. */
export interface Status {
  readonly uid: number | null
  readonly threads: number | null
  readonly locked: number | null
  readonly stack: number | null
  /** The process's id in each pid namespace, from ours to its own. */
  readonly namespacePids: readonly number[]
}

// A name cannot forge a line: the kernel escapes newlines in the Name line.
function lineOf(text: string, key: string): string | null {
  const start = text.indexOf(`\n${key}:`)
  if (start === -1) return null
  const from = start + key.length + 2
  const end = text.indexOf('\n', from)
  return text.slice(from, end === -1 ? undefined : end).trim()
}

function numberIn(field: string | undefined): number | null {
  return field !== undefined && /^\d+$/.test(field) ? Number(field) : null
}

/** The number of one line, kB as bytes; null where the line is absent, or is not one whole number in that unit. */
export function parseStatusLine(text: string, { line, unit }: StatusLine): number | null {
  const [number, ...rest] = lineOf(text, line)?.split(/\s+/) ?? []
  if (rest.join(' ') !== (unit === 'kB' ? 'kB' : '')) return null
  const value = numberIn(number)
  return value === null || unit === 'count' ? value : value * 1024
}

export function parseStatus(text: string): Status {
  const uid = numberIn(lineOf(text, 'Uid')?.split(/\s+/)[1])
  return {
    uid: Number.isSafeInteger(uid) ? uid : null,
    threads: numberIn(lineOf(text, 'Threads') ?? undefined),
    locked: parseStatusLine(text, { line: 'VmLck', unit: 'kB' }),
    stack: parseStatusLine(text, { line: 'VmStk', unit: 'kB' }),
    namespacePids: (lineOf(text, 'NSpid') ?? '').split(/\s+/).filter(Boolean).map(Number),
  }
}

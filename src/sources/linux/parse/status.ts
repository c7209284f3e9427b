/** Parses the used lines of `/proc/P/status`. Sizes are bytes; null if the line is absent, as for kernel threads. */
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

function bytesOf(text: string, key: string): number | null {
  const kilobytes = numberIn(lineOf(text, key)?.split(/\s+/)[0])
  return kilobytes === null ? null : kilobytes * 1024
}

export function parseStatus(text: string): Status {
  return {
    uid: numberIn(lineOf(text, 'Uid')?.split(/\s+/)[1]),
    threads: numberIn(lineOf(text, 'Threads') ?? undefined),
    locked: bytesOf(text, 'VmLck'),
    stack: bytesOf(text, 'VmStk'),
    namespacePids: (lineOf(text, 'NSpid') ?? '').split(/\s+/).filter(Boolean).map(Number),
  }
}

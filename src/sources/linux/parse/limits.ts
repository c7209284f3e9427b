/** `/proc/P/limits` under POSIX names. */

export type Rlimits = Readonly<Record<string, { readonly soft: number; readonly hard: number }>>

const posixNames: Readonly<Record<string, string>> = {
  'Max address space': 'as',
  'Max core file size': 'core',
  'Max cpu time': 'cpu',
  'Max data size': 'data',
  'Max file size': 'fsize',
  'Max locked memory': 'memlock',
  'Max open files': 'nofile',
  'Max processes': 'nproc',
  'Max resident set': 'rss',
  'Max stack size': 'stack',
}

function limitOf(field: string): number {
  return field === 'unlimited' ? Number.POSITIVE_INFINITY : Number(field)
}

/** Bytes, seconds or counts as POSIX has them; Infinity is unlimited. Lines that POSIX does not know are left out. */
export function parseLimits(text: string): Rlimits {
  const rlimits: Record<string, { soft: number; hard: number }> = {}
  for (const line of text.split('\n')) {
    const fields = /^(Max .+?)\s{2,}(unlimited|\d+)\s+(unlimited|\d+)(?:\s|$)/.exec(line)
    const name = fields && posixNames[fields[1]!]
    if (fields && name) rlimits[name] = { soft: limitOf(fields[2]!), hard: limitOf(fields[3]!) }
  }
  return rlimits
}

/** Parses `/proc/P/cgroup`: the place of a process in the cgroup hierarchy from which partitions are taken. */

import { textOfBytes } from './byte-text.ts'

/** Version 2 if it has controllers, else the memory hierarchy of version 1, else its pids hierarchy. */
export const hierarchies = ['v2', 'memory', 'pids'] as const
export type Hierarchy = (typeof hierarchies)[number]

const deletedSuffix = ' (deleted)'

function pathIn(text: string, hierarchy: Hierarchy): string | null {
  for (const line of text.split('\n')) {
    const fields = /^(\d+):([^:]*):(\/.*)$/s.exec(line)
    if (!fields) continue
    const found = hierarchy === 'v2' ? fields[1] === '0' && fields[2] === '' : fields[2]!.split(',').includes(hierarchy)
    if (found) return fields[3]!
  }
  return null
}

/**
 * The names from the root down, empty for the root. Invalid bytes in them are escaped. Null if the hierarchy is absent,
 * or if the path leads outside our cgroup namespace (`/..`) and so names nothing here.
 * @param text One character for each byte (latin1).
 * @param exists Whether there is a cgroup of this path. The kernel adds ` (deleted)` to the path of a removed cgroup,
 * but the name of a cgroup may also end like that.
 */
export function parseCgroup(
  text: string,
  hierarchy: Hierarchy,
  exists: (path: Buffer) => boolean,
): readonly string[] | null {
  const path = pathIn(text, hierarchy)
  if (path === null) return null
  const isMarked = path.endsWith(deletedSuffix) && !exists(Buffer.from(path, 'latin1'))
  const names = (isMarked ? path.slice(0, -deletedSuffix.length) : path).split('/').filter(Boolean)
  return names.includes('..') ? null : names.map((name) => textOfBytes(Buffer.from(name, 'latin1')))
}

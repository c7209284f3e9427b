/** Parses `/proc/P/cgroup`: the place of a process in the cgroup hierarchy from which partitions are taken. */

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
 * The names from the root down, empty for the root. Null if the hierarchy is absent, or if the path leads outside our
 * cgroup namespace (`/..`) and so names nothing here.
 */
export function parseCgroup(text: string, hierarchy: Hierarchy): readonly string[] | null {
  const path = pathIn(text, hierarchy)
  if (path === null) return null
  const names = (path.endsWith(deletedSuffix) ? path.slice(0, -deletedSuffix.length) : path).split('/').filter(Boolean)
  return names.includes('..') ? null : names
}

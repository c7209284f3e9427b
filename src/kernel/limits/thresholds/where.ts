/** Filters processes for thresholds with `per`: by name, executable, command line, user and partition. */

import type { Node } from '../../nodes/node.ts'
import { partitionOf, processOf } from '../../nodes/owners.ts'
import type { Partition } from '../../nodes/partition.ts'
import type { Process } from '../../nodes/process.ts'
import type { Level } from '../limit-row.ts'

/** A field that is null accepts everything. */
export interface Where {
  /** Name of the process: `*` stands for any characters, `?` for one. */
  readonly name: string | null
  /** Base name of the executable, with the same wildcards. */
  readonly exe?: string
  /** The command line, with the same wildcards. */
  readonly cmdline?: string
  readonly uid: number | null
  /** Pathname of a partition that it is in, or in one below; it need not be there yet. */
  readonly partition: string | null
}

/** A process of the model has no executable and no command line. */
type Named = Pick<Process, 'name' | 'uid'> & Partial<Pick<Process, 'executable' | 'cmdline'>>

/** A process or thread about to be born; for a thread, the process that it will be in. */
export interface Expected {
  readonly level: Level
  readonly process: Named
}

/** Whether the filter accepts a node. A thread is accepted with its process. */
export function isMeant(where: Where, node: Node): boolean {
  return fits(where, processOf(node), partitionOf(node))
}

/** Whether the filter accepts this process in this partition. */
export function fits(where: Where, process: Named | null, partition: Partition | null): boolean {
  if (where.partition !== null && !isAtOrBelow(partition?.path, where.partition)) return false
  if (where.uid !== null && process?.uid !== where.uid) return false
  if (where.name !== null && !(process !== null && globMatches(where.name, process.name))) return false
  if (where.exe !== undefined && !runs(process, where.exe)) return false
  return where.cmdline === undefined || wasCalledAs(process, where.cmdline)
}

/** An unknown command line matches nothing. */
function wasCalledAs(process: Named | null, pattern: string): boolean {
  const cmdline = process?.cmdline ?? null
  return cmdline !== null && globMatches(pattern, cmdline)
}

/** Whether the base name of its executable matches. An unknown executable matches nothing. */
export function runs(process: Partial<Pick<Process, 'executable'>> | null, pattern: string): boolean {
  const path = process?.executable ?? null
  return path !== null && globMatches(pattern, path.slice(path.lastIndexOf('/') + 1))
}

function isAtOrBelow(path: string | undefined, top: string): boolean {
  return path === top || (path?.startsWith(`${top}/part/`) ?? false)
}

/** By going back to the last star only: no pattern takes longer than its length times that of the text. */
export function globMatches(pattern: string, text: string): boolean {
  let [at, place] = [0, 0]
  let star = -1
  let resumed = 0
  while (place < text.length) {
    if (pattern[at] === '*') {
      star = at++
      resumed = place
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[place])) {
      at++
      place++
    } else if (star >= 0) {
      at = star + 1
      place = ++resumed
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}

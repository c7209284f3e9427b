/**
 * Says that a threshold or timeout on a process ends with that process, and names the form that follows its program.
 */

import type { Kernel } from '../kernel/kernel.ts'
import type { Level, LimitRow } from '../kernel/limits/limit-row.ts'
import { limits } from '../kernel/limits/table.ts'
import type { Threshold } from '../kernel/limits/thresholds/threshold.ts'
import type { Node } from '../kernel/nodes/node.ts'
import { partitionOf, processOf } from '../kernel/nodes/owners.ts'
import type { Process } from '../kernel/nodes/process.ts'

/** The level of the node with which something set there ends; null where it stays. */
export function endsWith({ level }: Node): 'process' | 'thread' | null {
  return level === 'process' || level === 'thread' ? level : null
}

/** Null where the threshold does not end with its node. */
export function thresholdEndAdvice(kernel: Kernel, { node, index, name, definition }: Threshold): string | null {
  const process = processOf(node)
  const end = endText(node)
  if (process === null || end === null) return null
  const row: LimitRow = limits[index]!
  const levelsOfLimit: readonly Level[] = row.at
  const per = definition.per ?? node.level
  if (!levelsOfLimit.includes('system') || !levelsOfLimit.includes(per)) return end
  const path = `/sys/${row.name}/threshold/${encodeURIComponent(name)}`
  return `${end}; to follow the program, set ${path} with per=${per} ${whereText(kernel, process)}`
}

/** Null where the timeout does not end with its node. */
export function timeoutEndAdvice(node: Node): string | null {
  const end = endText(node)
  if (end === null) return null
  const partition = partitionOf(node)
  const places = partition === null ? ['/sys'] : [partition.path, '/sys']
  return `${end}; a timeout at ${places.map((place) => `${place}/timeout`).join(' or ')} stays`
}

function endText(node: Node): string | null {
  const level = endsWith(node)
  return level === null ? null : `it ends with ${level} ${node.path.slice(node.path.lastIndexOf('/') + 1)}`
}

/** A word of the text form. A blank would divide it, so `?` stands for it: it matches any character. */
function whereText({ executables }: Kernel, { name, executable = null }: WithProgram): string {
  const base = executables === null ? null : (executable?.slice(executable.lastIndexOf('/') + 1) ?? null)
  const [field, value] = base === null ? ['name', name] : ['exe', base]
  return `where.${field}=${value.replaceAll(/\s/g, '?')}`
}

type WithProgram = Pick<Process, 'name'> & Partial<Pick<Process, 'executable'>>

/** Parses paths of limits in scenario files, such as `/sys/part/net/channels` or `$hog.main/stack`. */

import { KernelError } from '../kernel/errno.ts'
import type { Level, LimitRow } from '../kernel/limits/limit-row.ts'
import { type LimitName, limitIndex, limits } from '../kernel/limits/table.ts'
import type { Node } from '../kernel/nodes/node.ts'
import type { Machine } from '../model/machine.ts'
import type { Bindings, Names } from './names.ts'

type NodePath =
  | { readonly level: 'system' }
  | { readonly level: 'partition'; readonly names: readonly string[] }
  | { readonly level: 'process'; readonly process: string }
  | { readonly level: 'thread'; readonly process: string; readonly thread: string }

export interface LimitPath {
  readonly text: string
  readonly node: NodePath
  readonly limit: LimitName
}

/** Splits the name of a partition such as `net/inner`, which is written like a path from the outermost partition. */
export function partitionNames(text: string): readonly string[] {
  return text.split('/')
}

export interface PathContext {
  readonly names: Names
  /** Partitions of the file with the partitions that contain them, by names such as `net/inner`. */
  readonly partitions: ReadonlySet<string>
}

/** @returns the path, or a message that says what is wrong with it */
export function parseLimitPath(text: string, context: PathContext): LimitPath | string {
  const [, head, limit] = /^(\/sys(?:\/part\/[^/]+)*|\$[^/]+)\/([^/]+)$/.exec(text) ?? []
  if (head === undefined) return `${text} is no limit at a node, as in /sys/part/net/channels or $server/channels`
  const node = head.startsWith('$') ? parseName(head, context.names) : parsePartition(head, context.partitions)
  if (typeof node === 'string') return node
  const here = limits.filter(({ at }) => (at as readonly Level[]).includes(node.level))
  const row = here.find(({ name }) => name === limit)
  if (row !== undefined) return { text, node, limit: row.name }
  return `a ${node.level} has no limit ${limit}; it has ${here.map(({ name }) => name).join(', ')}`
}

function parseName(head: string, names: Names): NodePath | string {
  const [name, thread, ...rest] = head.slice(1).split('.')
  const threads = names.processes.get(name!)
  if (threads === undefined) return `there is no process ${name}; there are ${[...names.processes.keys()].join(', ')}`
  if (thread === undefined) return { level: 'process', process: name! }
  if (threads.includes(thread) && rest.length === 0) return { level: 'thread', process: name!, thread }
  return `${name} has no thread ${[thread, ...rest].join('.')}; it has ${threads.join(', ')}`
}

function parsePartition(head: string, partitions: ReadonlySet<string>): NodePath | string {
  const names = head.split('/part/').slice(1)
  if (names.length === 0) return { level: 'system' }
  if (partitions.has(names.join('/'))) return { level: 'partition', names }
  return noPartition(names.join('/'), partitions)
}

export function noPartition(name: string, partitions: ReadonlySet<string>): string {
  const there = [...partitions].join(', ')
  return `there is no partition ${name} in "partitions"${there === '' ? '' : `; there are ${there}`}`
}

export function rowOf({ limit }: LimitPath): LimitRow {
  return limits[limitIndex[limit]]!
}

/** @throws KernelError ESRCH or ENOENT if the node no longer exists */
export function nodeOf(machine: Machine, { node: path, text }: LimitPath, bindings: Bindings): Node {
  const node = lookUp(machine, path, bindings)
  if (node === null) throw new KernelError('ESRCH', `${text} is no longer there`)
  return node
}

function lookUp({ kernel }: Machine, path: NodePath, { processes }: Bindings): Node | null {
  if (path.level === 'system') return kernel.system
  if (path.level === 'partition') return kernel.partition(path.names)
  const cast = processes.get(path.process)
  if (cast === undefined || kernel.processes.get(cast.process.pid) !== cast.process) return null
  if (path.level === 'process') return cast.process
  const thread = cast.threads.get(path.thread)
  return thread !== undefined && cast.process.threads.get(thread.tid) === thread ? thread : null
}

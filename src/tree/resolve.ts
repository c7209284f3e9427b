/**
 * Resolves a pathname to the row and the node that it names, for requests and streams alike. A path is split before its
 * segments are decoded, so that `a%2Fb` is one name.
 */

import { nearest } from '../base/nearest.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Level, LimitRow } from '../kernel/limits/limit-row.ts'
import { limits } from '../kernel/limits/table.ts'
import { absentPartition } from '../kernel/nodes/lookup.ts'
import type { Node } from '../kernel/nodes/node.ts'
import type { Partition } from '../kernel/nodes/partition.ts'
import { pathSegment } from '../kernel/nodes/path-segment.ts'
import type { System } from '../kernel/nodes/system.ts'
import { isContainer } from '../kernel/nodes/within.ts'
import type { Definition } from './definition.ts'
import { MalformedPath, NoSuchPath } from './errors.ts'
import { definitions } from './tree.ts'
import type { Params } from './verb.ts'

/** Longest name of a directory in Linux. */
const partitionNameBytesMax = 255

export interface Resolved {
  readonly definition: Definition
  readonly node: Node
  readonly params: Params
  /** The one canonical pathname. Replies at an alias carry it as `Content-Location`. */
  readonly canonical: string
  readonly isAlias: boolean
}

/**
 * @param options.creating accept the name of an entry that does not exist yet, where PUT can create it
 * @throws NoSuchPath, MalformedPath
 */
export function resolve(kernel: Kernel, pathname: string, { creating = false } = {}): Resolved {
  const segments = split(pathname)
  if (segments[0] !== 'sys') throw new NoSuchPath(pathname, '/')
  const { node, used } = walk(kernel, segments)
  const leaf = segments.slice(used)
  const found = match(node.level, leaf) ?? (creating ? matchNew(node.level, leaf) : null)
  const awaited = found === null ? matchAwaited(kernel, segments, { creating }) : null
  if (awaited !== null) return { ...awaited, isAlias: awaited.canonical !== withoutTrailingSlash(pathname) }
  if (found === null) throw nothingAt(pathname, node, leaf)
  const canonical = leaf.length === 0 ? node.path : `${node.path}/${leaf.map(pathSegment).join('/')}`
  return { ...found, node, canonical, isAlias: canonical !== withoutTrailingSlash(pathname) }
}

/** The row that a pathname would resolve to if its node existed; null where no row has that shape. */
export function rowOfShape(pathname: string): Definition | null {
  try {
    const segments = split(pathname)
    if (segments[0] !== 'sys') return null
    const { level, used } = levelOfShape(segments)
    return match(level, segments.slice(used))?.definition ?? null
  } catch (error) {
    if (error instanceof MalformedPath) return null
    throw error
  }
}

function withoutTrailingSlash(pathname: string): string {
  return pathname.endsWith('/') ? pathname.slice(0, -1) : pathname
}

/** The segments of a path, decoded or as written. @throws MalformedPath */
export function split(pathname: string, decoded = true): string[] {
  const raw = withoutTrailingSlash(pathname).split('/').slice(1)
  if (raw.includes('')) throw new MalformedPath('the path has an empty segment')
  return decoded && pathname.includes('%') ? raw.map(decode) : raw
}

/** @throws MalformedPath */
export function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new MalformedPath(`${segment} is not percent-encoded UTF-8`)
  }
}

/** Follows the path as far as it names nodes. Preconditions: the first segment is `sys`. */
function walk(kernel: Kernel, segments: readonly string[]): { node: Node; used: number } {
  let container: System | Partition = kernel.system
  let used = 1
  for (;;) {
    const [directory, name] = [segments[used], segments[used + 1]]
    if (directory !== 'part' || name === undefined) break
    const below: Partition | undefined = container.partitions.get(name)
    if (below === undefined) return { node: container, used }
    container = below
    used += 2
  }
  const pid = segments[used] === 'proc' ? parsePid(kernel, segments[used + 1]) : null
  const process = pid === null ? undefined : kernel.processes.get(pid)
  if (process === undefined || !isWithin(process, container)) return { node: container, used }
  used += 2
  const tid = segments[used] === 'thread' ? parseId(segments[used + 1]) : null
  const thread = tid === null ? undefined : process.threads.get(tid)
  return thread === undefined ? { node: process, used } : { node: thread, used: used + 2 }
}

/** The same walk by the names of the directories alone. Preconditions: the first segment is `sys`. */
function levelOfShape(segments: readonly string[]): { level: Level; used: number } {
  let used = 1
  while (segments[used] === 'part' && segments[used + 1] !== undefined) used += 2
  if (segments[used] !== 'proc' || segments[used + 1] === undefined)
    return { level: used === 1 ? 'system' : 'partition', used }
  used += 2
  const isThread = segments[used] === 'thread' && segments[used + 1] !== undefined
  return isThread ? { level: 'thread', used: used + 2 } : { level: 'process', used }
}

function isWithin(process: Node, container: Node): boolean {
  for (let up: Node | null = process.parent; up !== null; up = up.parent) if (up === container) return true
  return false
}

function parseId(text: string | undefined): number | null {
  return text !== undefined && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null
}

function parsePid(kernel: Kernel, text: string | undefined): number | null {
  return text === 'self' ? kernel.selfPid : parseId(text)
}

/** The rows under a level, by the number of segments of their leaves. */
function rowsAt(level: Level) {
  return Map.groupBy(
    definitions
      .filter(({ under }) => under.includes(level))
      .map((definition) => ({ definition, pattern: definition.leaf === '' ? [] : definition.leaf.split('/') })),
    ({ pattern }) => pattern.length,
  )
}

const rows = {
  thread: rowsAt('thread'),
  process: rowsAt('process'),
  partition: rowsAt('partition'),
  system: rowsAt('system'),
} as const

interface Match {
  readonly definition: Definition
  readonly params: Params
}

function match(level: Level, leaf: readonly string[]): Match | null {
  for (const { definition, pattern } of rows[level].get(leaf.length) ?? []) {
    const params = matchLeaf(level, pattern, leaf)
    if (params !== null) return { definition, params }
  }
  return null
}

/** A directory in which PUT can create an entry of that name. */
function matchNew(level: Level, leaf: readonly string[]): Match | null {
  const found = leaf.length === 2 ? match(level, leaf.slice(0, 1)) : null
  const create = found?.definition.create
  if (!found || !create) return null
  return { definition: { ...found.definition, put: create }, params: { name: leaf[1]! } }
}

/** A setting below a partition that is not there, which waits for it or which PUT may set. */
function matchAwaited(
  kernel: Kernel,
  segments: readonly string[],
  { creating }: { creating: boolean },
): Omit<Resolved, 'isAlias'> | null {
  const { level, used } = levelOfShape(segments)
  const names = segments.slice(1, used).filter((_, place) => place % 2 === 1)
  if (level !== 'partition' || !names.every(isPartitionName)) return null
  const leaf = segments.slice(used)
  const found = match(level, leaf)
  const node = absentPartition(kernel, `/sys${names.map((name) => `/part/${pathSegment(name)}`).join('')}`)
  const isAwaiting = found?.definition.isAwaiting
  if (found === null || node === null || isAwaiting === undefined) return null
  const isMade = creating && found.definition.put !== undefined
  if (!isMade && !isAwaiting(kernel, node, found.params)) return null
  return { ...found, node, canonical: `${node.path}/${leaf.map(pathSegment).join('/')}` }
}

/** Whether a cgroup can have the name. */
export function isPartitionName(name: string): boolean {
  return name !== '.' && name !== '..' && !/[/\0]/.test(name) && Buffer.byteLength(name) <= partitionNameBytesMax
}

/** Preconditions: pattern and leaf have the same length. */
function matchLeaf(level: Level, pattern: readonly string[], leaf: readonly string[]): Params | null {
  const params: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const segment = leaf[index]!
    if (!part.startsWith(':')) {
      if (part !== segment) return null
    } else if (part === ':limit' && !hasLimit(level, segment)) return null
    else params[part.slice(1)] = segment
  }
  return params
}

function hasLimit(level: Level, name: string): boolean {
  const row: LimitRow | undefined = limits.find((each) => each.name === name)
  return row?.at.includes(level) === true
}

/** Preconditions: the whole leaf matches nothing. */
function nothingAt(pathname: string, node: Node, leaf: readonly string[]): NoSuchPath {
  const length = existingLength(node, leaf)
  const exists = [node.path, ...leaf.slice(0, length).map(pathSegment)].join('/')
  const suggestion = nearest(leaf[length]!, namesAfter(node, leaf.slice(0, length)))
  return new NoSuchPath(pathname, exists, suggestion === null ? null : `${exists}/${pathSegment(suggestion)}`)
}

/** The number of segments of the leaf that exist. */
function existingLength(node: Node, leaf: readonly string[]): number {
  for (let length = leaf.length - 1; length > 0; length--) {
    if (match(node.level, leaf.slice(0, length)) !== null) return length
  }
  return 0
}

/** The names that can follow there. Numbers are left out: a pid near another is another process. */
function namesAfter(node: Node, leaf: readonly string[]): string[] {
  if (leaf[0] === 'part' && isContainer(node)) return [...node.partitions.keys()]
  const patterns = [...rows[node.level].values()].flat().map(({ pattern }) => pattern)
  const longer = patterns.filter(
    (pattern) => pattern.length > leaf.length && matchLeaf(node.level, pattern.slice(0, leaf.length), leaf) !== null,
  )
  return [...new Set(longer.map((pattern) => pattern[leaf.length]))].flatMap((part) => {
    if (part === ':limit') return limits.map(({ name }) => name).filter((name) => hasLimit(node.level, name))
    return part!.startsWith(':') ? [] : [part!]
  })
}

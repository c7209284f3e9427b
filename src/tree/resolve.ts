/**
 * From a pathname to what it names. One function decides for HTTP and for streams alike. It splits before it
 * decodes, so that `a%2Fb` is one name.
 */

import { nearest } from '../base/nearest.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { limitAt } from '../kernel/limits/places.ts'
import { limits } from '../kernel/limits/table.ts'
import type { Node } from '../kernel/nodes/node.ts'
import type { Partition } from '../kernel/nodes/partition.ts'
import type { System } from '../kernel/nodes/system.ts'
import { isContainer } from '../kernel/nodes/within.ts'
import type { Definition, Params } from './definition.ts'
import { MalformedPath, NoSuchPath } from './errors.ts'
import { definitions } from './tree.ts'

export interface Resolved {
  readonly definition: Definition
  readonly node: Node
  readonly params: Params
  /** The one pathname of what was asked for: aliases answer with it as `Content-Location`. */
  readonly canonical: string
  readonly alias: boolean
}

/** `creating`: an entry that is not there may be named, where it can be made. @throws NoSuchPath, MalformedPath */
export function resolve(kernel: Kernel, pathname: string, { creating = false } = {}): Resolved {
  const segments = split(pathname)
  if (segments[0] !== 'sys') throw new NoSuchPath(pathname, '/')
  const { node, used } = walk(kernel, segments)
  const leaf = segments.slice(used)
  const found = match(node, leaf) ?? (creating ? matchNew(node, leaf) : null)
  if (found === null) throw nothingAt(pathname, node, leaf)
  const canonical = leaf.length === 0 ? node.path : `${node.path}/${leaf.map(encodeURIComponent).join('/')}`
  return { ...found, node, canonical, alias: canonical !== withoutTrailingSlash(pathname) }
}

function withoutTrailingSlash(pathname: string): string {
  return pathname.endsWith('/') ? pathname.slice(0, -1) : pathname
}

/** The segments of a path, decoded or as they are. @throws MalformedPath */
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

/** As far down as there are nodes. Preconditions: the first segment is `sys`. */
function walk(kernel: Kernel, segments: readonly string[]): { node: Node; used: number } {
  let container: System | Partition = kernel.system
  let used = 1
  for (;;) {
    const [kind, name] = [segments[used], segments[used + 1]]
    if (kind !== 'part' || name === undefined) break
    const below: Partition | undefined = container.partitions.get(name)
    if (below === undefined) return { node: container, used }
    container = below
    used += 2
  }
  const pid = segments[used] === 'proc' ? pidOf(kernel, segments[used + 1]) : null
  const process = pid === null ? undefined : kernel.processes.get(pid)
  if (process === undefined || !belongs(process, container)) return { node: container, used }
  used += 2
  const tid = segments[used] === 'thread' ? numberOf(segments[used + 1]) : null
  const thread = tid === null ? undefined : process.threads.get(tid)
  return thread === undefined ? { node: process, used } : { node: thread, used: used + 2 }
}

function belongs(process: Node, container: Node): boolean {
  for (let up: Node | null = process.parent; up !== null; up = up.parent) if (up === container) return true
  return false
}

function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null
}

function pidOf(kernel: Kernel, text: string | undefined): number | null {
  return text === 'self' ? kernel.selfPid : numberOf(text)
}

/** What can stand at nodes of a level, by the number of segments. */
function rowsAt(level: Node['level']) {
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

function match(node: Node, leaf: readonly string[]): { definition: Definition; params: Params } | null {
  for (const { definition, pattern } of rows[node.level].get(leaf.length) ?? []) {
    const params = matchLeaf(node, pattern, leaf)
    if (params !== null) return { definition, params }
  }
  return null
}

/** A directory in which an entry of that name can be made. */
function matchNew(node: Node, leaf: readonly string[]): { definition: Definition; params: Params } | null {
  const found = leaf.length === 2 ? match(node, leaf.slice(0, 1)) : null
  const create = found?.definition.create
  if (!found || !create) return null
  return { definition: { ...found.definition, put: create }, params: { name: leaf[1]! } }
}

/** Preconditions: they are of the same length. */
function matchLeaf(node: Node, pattern: readonly string[], leaf: readonly string[]): Params | null {
  const params: Record<string, string> = {}
  for (const [place, part] of pattern.entries()) {
    const segment = leaf[place]!
    if (!part.startsWith(':')) {
      if (part !== segment) return null
    } else if (part === ':limit' && limitAt(node, segment) === null) return null
    else params[part.slice(1)] = segment
  }
  return params
}

/** Preconditions: the whole leaf matches nothing. */
function nothingAt(pathname: string, node: Node, leaf: readonly string[]): NoSuchPath {
  const length = longest(node, leaf)
  const exists = [node.path, ...leaf.slice(0, length).map(encodeURIComponent)].join('/')
  const meant = nearest(leaf[length]!, namesAfter(node, leaf.slice(0, length)))
  return new NoSuchPath(pathname, exists, meant === null ? null : `${exists}/${encodeURIComponent(meant)}`)
}

/** How much of the leaf there is. */
function longest(node: Node, leaf: readonly string[]): number {
  for (let length = leaf.length - 1; length > 0; length--) {
    if (match(node, leaf.slice(0, length)) !== null) return length
  }
  return 0
}

/** What can follow there. Not what comes and goes by number: a pid near another is another process. */
function namesAfter(node: Node, leaf: readonly string[]): string[] {
  if (leaf[0] === 'part' && isContainer(node)) return [...node.partitions.keys()]
  const patterns = [...rows[node.level].values()].flat().map(({ pattern }) => pattern)
  const next = patterns.filter(
    (pattern) => pattern.length > leaf.length && matchLeaf(node, pattern.slice(0, leaf.length), leaf) !== null,
  )
  return [...new Set(next.map((pattern) => pattern[leaf.length]))].flatMap((part) => {
    if (part === ':limit') return limits.map(({ name }) => name).filter((name) => limitAt(node, name) !== null)
    return part!.startsWith(':') ? [] : [part!]
  })
}

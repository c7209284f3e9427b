/**
 * Filters events by pathname. A filter is one pathname with everything below it, or a pattern in which `*` matches one
 * segment and a final `**` matches one or more. Events always name a process by its own path, so `/sys/part/web/proc`
 * selects the processes that concern `/sys/part/web`.
 */

import type { Kernel } from '../kernel/kernel.ts'
import type { Level } from '../kernel/limits/limit-row.ts'
import { limits } from '../kernel/limits/table.ts'
import { pathSegment } from '../kernel/nodes/path-segment.ts'
import { MalformedPath, NoSuchPath } from './errors.ts'
import { decode, resolve, split } from './resolve.ts'
import { definitions } from './tree.ts'

/** One decoded segment; null matches any segment. */
type Segment = string | null

interface Shape {
  readonly segments: readonly Segment[]
  /** True with `**` at the end: the filter matches what is below the node, and not the node itself. */
  readonly isBelow: boolean
}

interface Pattern {
  /** The common prefix of the pathnames that match. */
  readonly root: string
  readonly isPlain: boolean
  readonly matches: (place: string) => boolean
  /** The encoded segments; null matches any segment. */
  readonly places: readonly Segment[]
  readonly isBelow: boolean
}

export class PathFilter {
  /** The canonical text, without aliases. */
  readonly text: string
  /** Every match is this path or below it. */
  readonly root: string
  /** The filter matches its root and everything below it, and nothing else. */
  readonly isPlain: boolean
  readonly #patterns: readonly Pattern[]

  /** @param patterns each must match one of the places; the first one gives the root of the filter */
  constructor(text: string, patterns: readonly [Pattern, ...Pattern[]]) {
    this.text = text
    this.root = patterns[0].root
    this.isPlain = patterns.length === 1 && patterns[0].isPlain
    this.#patterns = patterns
  }

  /** Whether something at these canonical pathnames matches. */
  concerns(places: readonly string[]): boolean {
    return this.#patterns.every(({ matches }) => places.some(matches))
  }

  /** The complete path below the node at this pathname, such as `fds`; null if the filter names none. */
  leafAt(path: string): string | null {
    const { places, isBelow } = this.#patterns[0]!
    const node = path.split('/').slice(1)
    const leaf = places.slice(node.length)
    const isHead = node.every((segment, at) => places[at] === null || places[at] === segment)
    return !isHead || isBelow || leaf.length === 0 || leaf.includes(null) ? null : leaf.join('/')
  }
}

export interface FilterOptions {
  /** Accept paths that do not exist now but could have existed or could exist later. */
  readonly past?: boolean
}

/** @throws NoSuchPath, MalformedPath */
export function parsePathFilter(kernel: Kernel, pathname: string, { past = false }: FilterOptions = {}): PathFilter {
  const raw = split(pathname, false)
  const isPattern = raw.some((segment) => segment.includes('*'))
  const found = isPattern ? new NoSuchPath(pathname, '/sys') : canonicalOf(kernel, pathname)
  if (typeof found === 'string') return filterOf({ segments: split(found), isBelow: false })
  if (!isPattern && !past) throw found
  const isBelow = raw.at(-1) === '**'
  const segments = (isBelow ? raw.slice(0, -1) : raw).map(segmentOf)
  if (segments[0] !== 'sys') throw new NoSuchPath(pathname, '/')
  if (!isPossible('system', segments.slice(1))) throw found
  return filterOf({ segments, isBelow })
}

/** The canonical pathname, or the reason why the path does not exist now. @throws MalformedPath */
function canonicalOf(kernel: Kernel, pathname: string): string | NoSuchPath {
  try {
    return resolve(kernel, pathname).canonical
  } catch (error) {
    if (error instanceof NoSuchPath) return error
    throw error
  }
}

function segmentOf(raw: string): Segment {
  if (raw === '*') return null
  if (raw.includes('*'))
    throw new MalformedPath(`${raw}: * stands for a whole segment, and ** only at the end; %2A is the letter`)
  return decode(raw)
}

function filterOf({ segments, isBelow }: Shape): PathFilter {
  const text = textOf({ segments, isBelow })
  const end = processesAt(segments)
  if (end === null) return new PathFilter(text, [patternOf({ segments, isBelow })])
  // `proc` below a partition selects the processes of that partition, which have paths of their own.
  const processes = patternOf({ segments: ['sys', ...segments.slice(end)], isBelow })
  return new PathFilter(text, [processes, patternOf({ segments: segments.slice(0, end), isBelow: false })])
}

/** The index of `proc` below partitions; null if there is none. */
function processesAt(segments: readonly Segment[]): number | null {
  let end = 1
  while (segments[end] === 'part' && segments.length > end + 2) end += 2
  return end > 1 && segments[end] === 'proc' ? end : null
}

function textOf({ segments, isBelow }: Shape): string {
  const parts = segments.map((segment) => (segment === null ? '*' : pathSegment(segment).replaceAll('*', '%2A')))
  return `/${[...parts, ...(isBelow ? ['**'] : [])].join('/')}`
}

function patternOf({ segments, isBelow }: Shape): Pattern {
  const places = segments.map((segment) => (segment === null ? null : pathSegment(segment)))
  const any = places.indexOf(null)
  const root = `/${(any === -1 ? places : places.slice(0, any)).join('/')}`
  if (any === -1 && !isBelow) {
    const below = `${root}/`
    return { places, isBelow, root, isPlain: true, matches: (place) => place === root || place.startsWith(below) }
  }
  const parts = places.map((part) => (part === null ? '[^/]+' : escaped(part)))
  const expression = new RegExp(`^/${parts.join('/')}${isBelow ? '/' : '(?:/|$)'}`)
  return { places, isBelow, root, isPlain: false, matches: (place) => expression.test(place) }
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** The directories of nodes below each level, and which names are possible in them. */
const below: Readonly<
  Record<
    Level,
    readonly { readonly directory: string; readonly level: Level; readonly isName: (name: string) => boolean }[]
  >
> = {
  system: [
    { directory: 'part', level: 'partition', isName: () => true },
    { directory: 'proc', level: 'process', isName: (name) => /^([1-9]\d{0,9}|self)$/.test(name) },
  ],
  partition: [
    { directory: 'part', level: 'partition', isName: () => true },
    { directory: 'proc', level: 'process', isName: (name) => /^[1-9]\d{0,9}$/.test(name) },
  ],
  process: [{ directory: 'thread', level: 'thread', isName: (name) => /^[1-9]\d{0,9}$/.test(name) }],
  thread: [],
}

/** Says whether anything below a node of this level can ever match. */
function isPossible(level: Level, segments: readonly Segment[]): boolean {
  if (segments.length === 0 || isLeaf(level, segments)) return true
  const [first, second, ...rest] = segments
  return below[level].some(
    ({ directory, level: next, isName }) =>
      fits(directory, first!) &&
      (second === undefined || ((second === null || isName(second)) && isPossible(next, rest))),
  )
}

function fits(name: string, segment: Segment): boolean {
  return segment === null || segment === name
}

function isLeaf(level: Level, segments: readonly Segment[]): boolean {
  return definitions.some(({ under, leaf }) => {
    const parts = leaf.split('/')
    if (!under.includes(level) || leaf === '' || parts.length !== segments.length) return false
    return parts.every((part, place) => isPart(level, part, segments[place]!))
  })
}

function isPart(level: Level, part: string, segment: Segment): boolean {
  if (segment === null) return true
  if (!part.startsWith(':')) return part === segment
  return (
    part !== ':limit' || limits.some(({ name, at }) => name === segment && (at as readonly Level[]).includes(level))
  )
}

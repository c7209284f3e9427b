/**
 * Evaluates templates for values that are known only when a scenario runs: `$server.pid`, `{ random: [1ms, 10ms] }`.
 */

import { parseDuration } from '../kernel/time/duration.ts'
import type { Path, Problems } from './problems.ts'
import type { Random } from './random.ts'

/** A reference such as `$port.chid`: a name with optional fields. */
export interface Reference {
  readonly name: string
  readonly fields: readonly string[]
  readonly path: Path
}

export type Template =
  | { readonly kind: 'constant'; readonly value: unknown }
  | { readonly kind: 'reference'; readonly reference: Reference }
  | { readonly kind: 'text'; readonly parts: readonly (string | Reference)[] }
  | { readonly kind: 'range'; readonly range: Range }
  | { readonly kind: 'list'; readonly items: readonly Template[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [string, Template])[] }

/** Random range; low and high are included. */
export interface Range {
  readonly low: number
  readonly high: number
  /** True if the ends are durations, which become text with a unit. */
  readonly isDuration: boolean
}

export function referenceText({ name, fields }: Reference): string {
  return ['$', [name, ...fields].join('.')].join('')
}

export interface TemplateContext {
  readonly problems: Problems
  /** Collects every reference. They are checked later, when all names are known. */
  readonly references: Reference[]
  /** Random ranges are refused, because expectations must not be random. */
  readonly withoutRandom?: true
}

const referencePattern = /\$\$|\$([A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)*)/g

export function parseTemplate(value: unknown, path: Path, context: TemplateContext): Template {
  if (typeof value === 'string') return parseText(value, path, context)
  if (Array.isArray(value)) {
    return { kind: 'list', items: value.map((item, place) => parseTemplate(item, [...path, place], context)) }
  }
  if (typeof value !== 'object' || value === null) return { kind: 'constant', value }
  if (isRange(value)) {
    if (context.withoutRandom) context.problems.add([...path, 'random'], 'what is expected is not random', 'key')
    const range = parseRange(value.random, [...path, 'random'], context.problems)
    // The problem was reported, so an invalid range is treated as an open value.
    return range === null ? { kind: 'text', parts: [] } : { kind: 'range', range }
  }
  const entries = Object.entries(value)
  return { kind: 'map', entries: entries.map(([key, inner]) => [key, parseTemplate(inner, [...path, key], context)]) }
}

/** `$$` stands for a dollar sign. A `$` that no letter follows is also a dollar sign. */
function parseText(text: string, path: Path, { references }: TemplateContext): Template {
  const parts: (string | Reference)[] = []
  let end = 0
  for (const match of text.matchAll(referencePattern)) {
    const [whole, words] = match
    if (match.index > end) parts.push(text.slice(end, match.index))
    end = match.index + whole.length
    if (words === undefined) parts.push('$')
    else {
      const [name, ...fields] = words.split('.')
      parts.push({ name: name!, fields, path })
    }
  }
  if (end < text.length) parts.push(text.slice(end))
  const found = parts.filter((part) => typeof part !== 'string')
  references.push(...found)
  const [first] = parts
  if (found.length === 0) return { kind: 'constant', value: parts.join('') }
  // A text that is only a reference takes the type of its value: a number stays a number.
  if (parts.length === 1 && typeof first === 'object') return { kind: 'reference', reference: first }
  return { kind: 'text', parts }
}

export function isRange(value: unknown): value is { readonly random: unknown } {
  return (
    typeof value === 'object' && value !== null && Object.keys(value).length === 1 && Object.hasOwn(value, 'random')
  )
}

/** Parses a range such as `[1, 6]` or `[1ms, 10ms]`. @returns null if it is invalid */
export function parseRange(ends: unknown, path: Path, problems: Problems): Range | null {
  const [low, high, ...rest] = Array.isArray(ends) ? (ends as unknown[]) : []
  const numbers = [low, high].map((end) => (typeof end === 'string' ? parseDuration(end) : end))
  const [least, most] = numbers
  const isPair = rest.length === 0 && typeof low === typeof high && Number.isInteger(least) && Number.isInteger(most)
  if (!isPair) {
    problems.add(path, 'random takes two whole numbers or two durations, as in [1, 6] or [1ms, 10ms]')
    return null
  }
  const range = { low: Number(least), high: Number(most), isDuration: typeof low === 'string' }
  if (range.low > range.high || range.high - range.low >= 2 ** 32) {
    problems.add(path, 'random takes the smaller number first, and at most 4,294,967,296 of them')
    return null
  }
  return range
}

export interface Evaluation {
  readonly lookUp: (reference: Reference) => unknown
  readonly random: Random
}

export function evaluate(template: Template, evaluation: Evaluation): unknown {
  switch (template.kind) {
    case 'constant':
      return template.value
    case 'reference':
      return evaluation.lookUp(template.reference)
    case 'text':
      return template.parts.map((part) => (typeof part === 'string' ? part : String(evaluation.lookUp(part)))).join('')
    case 'range':
      return draw(template.range, evaluation.random)
    case 'list':
      return template.items.map((item) => evaluate(item, evaluation))
    case 'map':
      return Object.fromEntries(template.entries.map(([key, inner]) => [key, evaluate(inner, evaluation)]))
  }
}

function draw({ low, high, isDuration }: Range, random: Random): number | string {
  const number = random.between(low, high)
  return isDuration ? `${number}ms` : number
}

/** Replaces each range by one of its ends, so that a schema can check the value before the run. */
export function sample(template: Template, end: 'low' | 'high'): unknown {
  switch (template.kind) {
    case 'constant':
      return template.value
    case 'reference':
      return referenceText(template.reference)
    case 'text':
      return template.parts.map((part) => (typeof part === 'string' ? part : referenceText(part))).join('')
    case 'range':
      return template.range.isDuration ? `${template.range[end]}ms` : template.range[end]
    case 'list':
      return template.items.map((item) => sample(item, end))
    case 'map':
      return Object.fromEntries(template.entries.map(([key, inner]) => [key, sample(inner, end)]))
  }
}

/** Says whether the value at the path is a reference, whose value is unknown before the run. */
export function isOpenAt(template: Template, path: Path): boolean {
  const [first, ...rest] = path
  if (template.kind === 'reference' || template.kind === 'text') return true
  if (template.kind === 'list') return isOpenBelow(template.items[Number(first)], rest)
  if (template.kind === 'map') return isOpenBelow(template.entries.find(([key]) => key === first)?.[1], rest)
  return false
}

function isOpenBelow(template: Template | undefined, path: Path): boolean {
  return template !== undefined && isOpenAt(template, path)
}

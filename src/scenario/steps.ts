/** Reads and checks the steps of threads: kernel calls, repetitions and random choices. */

import { z } from 'zod'
import { type Errno, errnos } from '../kernel/errno.ts'
import { type KernelCallName, kernelCallNames } from '../model/calls/table.ts'
import { callArguments } from '../tree/calls.ts'
import type { Names } from './names.ts'
import type { Path, Place } from './problems.ts'
import {
  isOpenAt,
  isRange,
  parseRange,
  parseTemplate,
  type Range,
  type Reference,
  sample,
  type Template,
  type TemplateContext,
} from './template.ts'

export interface CallStep {
  readonly kind: 'call'
  readonly place: Place
  readonly call: KernelCallName
  readonly args: Template
  /** References in the arguments. */
  readonly references: readonly Reference[]
  /** Name of the result. */
  readonly as: string | null
  /** Program of the process or thread that the call creates. */
  readonly runs: string | null
  /** The call must fail with this errno. */
  readonly fails: Errno | null
  /** The call may succeed, or fail with this errno. */
  readonly mayFail: Errno | null
}

export interface RepeatStep {
  readonly kind: 'repeat'
  readonly place: Place
  readonly times: number | 'forever' | Range
  /** The repetition ends when a call in it fails with this errno. */
  readonly until: Errno | null
  readonly steps: readonly Step[]
}

/** Takes the steps of one of the lists, which is chosen at random. */
export interface RandomStep {
  readonly kind: 'random'
  readonly place: Place
  readonly choices: readonly (readonly Step[])[]
}

export type Step = CallStep | RepeatStep | RandomStep

export interface StepContext extends TemplateContext {
  readonly names: Names
  readonly programs: ReadonlySet<string>
}

export const ErrnoName = z.enum(Object.keys(errnos) as [Errno, ...Errno[]])
export const Name = z
  .string()
  .regex(/^[A-Za-z][\w-]{0,63}$/, 'a name begins with a letter; letters, digits, - and _ follow')

/** Keys that a step may have besides its verb, by kind of step. */
export const allowedKeys = {
  call: ['as', 'runs', 'fails', 'may-fail'],
  repeat: ['until', 'steps'],
  random: [],
} as const

/** Calls that create a process or thread, which can run a program. */
const makers: ReadonlySet<string> = new Set(['spawn', 'ThreadCreate'])

const verbs: readonly string[] = ['sleep', 'repeat', 'random', ...kernelCallNames]

export function parseSteps(value: unknown, path: Path, context: StepContext): readonly Step[] {
  if (!Array.isArray(value)) {
    context.problems.add(path, 'steps are a list: one a line, each with a - before it')
    return []
  }
  return value.flatMap((one, place) => parseStep(one, [...path, place], context) ?? [])
}

/** Parses a list inside another step. An empty list is refused, because repeating it could go on without end. */
function parseInner(value: unknown, path: Path, context: StepContext): readonly Step[] {
  if (Array.isArray(value) && value.length === 0) context.problems.add(path, 'there is no step here')
  return parseSteps(value, path, context)
}

function parseStep(value: unknown, path: Path, context: StepContext): Step | null {
  const { problems } = context
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.add(path, `a step is a call with its arguments, as in "ThreadJoin: { tid: 2 }"`)
    return null
  }
  const fields: Readonly<Record<string, unknown>> = { ...value }
  const keys = Object.keys(fields)
  const [verb, second] = keys.filter((key) => verbs.includes(key))
  if (verb === undefined) {
    const all = Object.values(allowedKeys).flat() as readonly string[]
    const strange = keys.find((key) => !all.includes(key))
    if (strange === undefined) problems.add(path, `a step is one of ${verbs.join(', ')}`)
    else problems.add([...path, strange], `there is no call ${strange}; there are ${verbs.join(', ')}`, 'key')
    return null
  }
  if (second !== undefined) {
    problems.add([...path, second], `a step does one thing: make another of ${second}, beside ${verb}`, 'key')
    return null
  }
  const kind = verb === 'repeat' || verb === 'random' ? verb : 'call'
  for (const key of keys.filter((one) => one !== verb && !(allowedKeys[kind] as readonly string[]).includes(one)))
    problems.add([...path, key], `there is no ${key} beside ${verb}; ${allowedKeysText(kind)}`, 'key')
  if (kind === 'repeat') return parseRepeat(fields, path, context)
  if (kind === 'random') return parseRandom(fields.random, path, context)
  return parseCall({ verb, fields, path }, context)
}

function allowedKeysText(kind: keyof typeof allowedKeys): string {
  return allowedKeys[kind].length === 0 ? 'nothing may stand there' : `there are ${allowedKeys[kind].join(', ')}`
}

function parseRepeat(fields: Readonly<Record<string, unknown>>, path: Path, context: StepContext): RepeatStep {
  const { problems } = context
  if (fields.steps === undefined) problems.add(path, 'steps: is missing: what is to be repeated')
  return {
    kind: 'repeat',
    place: problems.locate([...path, 'repeat'], 'key'),
    times: parseTimes(fields.repeat, [...path, 'repeat'], context),
    until: errnoOf(fields, 'until', path, context),
    steps: fields.steps === undefined ? [] : parseInner(fields.steps, [...path, 'steps'], context),
  }
}

function parseTimes(value: unknown, path: Path, { problems }: StepContext): RepeatStep['times'] {
  if (value === 'forever' || (Number.isInteger(value) && Number(value) >= 1)) return value as number | 'forever'
  if (!isRange(value)) {
    problems.add(path, 'repeat takes a number from 1, forever, or { random: [1, 6] }')
    return 1
  }
  const range = parseRange(value.random, [...path, 'random'], problems)
  if (range === null) return 1
  if (range.isDuration || range.low < 0) problems.add(path, 'repeat takes how many times, as in { random: [1, 6] }')
  return range
}

function parseRandom(value: unknown, path: Path, context: StepContext): RandomStep {
  const { problems } = context
  const place = problems.locate([...path, 'random'], 'key')
  const lists: readonly unknown[] = Array.isArray(value) ? value : []
  if (lists.length < 2) problems.add([...path, 'random'], 'random takes two lists of steps or more, to choose from')
  return { kind: 'random', place, choices: lists.map((one, at) => parseInner(one, [...path, 'random', at], context)) }
}

interface Called {
  readonly verb: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly path: Path
}

function parseCall({ verb, fields, path }: Called, context: StepContext): CallStep {
  const { problems, names } = context
  // `sleep` is a shorter name for the kernel call nanosleep.
  const call = verb === 'sleep' ? 'nanosleep' : (verb as KernelCallName)
  const references: Reference[] = []
  const args = parseArguments({ verb, call, value: fields[verb], path: [...path, verb] }, { ...context, references })
  context.references.push(...references)
  const as = nameOf(fields, 'as', path, context)
  if (as !== null) names.addResult(as, call, [...path, 'as'], problems)
  const step = {
    kind: 'call',
    place: problems.locate([...path, verb], 'key'),
    call,
    args,
    references,
    as,
    runs: parseRuns({ verb, fields, path }, context),
    fails: errnoOf(fields, 'fails', path, context),
    mayFail: errnoOf(fields, 'may-fail', path, context),
  } as const
  if (step.fails !== null && step.mayFail !== null)
    problems.add([...path, 'may-fail'], 'it fails, or it may fail: not both', 'key')
  return step
}

interface Arguments {
  readonly verb: string
  readonly call: KernelCallName
  readonly value: unknown
  readonly path: Path
}

/** Checks the arguments before the run, with the smallest and with the largest value of each random range. */
function parseArguments({ verb, call, value, path }: Arguments, context: TemplateContext): Template {
  const { problems } = context
  const parsed = parseTemplate(value ?? {}, path, context)
  const args: Template = verb === 'sleep' ? { kind: 'map', entries: [['for', parsed]] } : parsed
  const schema: z.ZodType = verb === 'sleep' ? callArguments.nanosleep.shape.for : callArguments[call]
  for (const end of ['low', 'high'] as const) {
    const checked = problems.check(schema, sample(parsed, end), { path, isOpen: (below) => isOpenAt(parsed, below) })
    // A problem of both values is reported once.
    if (checked === null) break
  }
  return args
}

function parseRuns({ verb, fields, path }: Called, context: StepContext): string | null {
  const runs = nameOf(fields, 'runs', path, context)
  const { problems, programs } = context
  if (runs === null) return null
  if (!makers.has(verb)) problems.add([...path, 'runs'], `${verb} makes nothing that could run a program`, 'key')
  else if (!programs.has(runs)) problems.add([...path, 'runs'], noProgram(runs, programs))
  return runs
}

export function noProgram(name: string, programs: ReadonlySet<string>): string {
  return programs.size === 0
    ? `there is no program ${name}: the file has no "programs"`
    : `there is no program ${name}; there are ${[...programs].join(', ')}`
}

function nameOf(fields: Readonly<Record<string, unknown>>, key: string, path: Path, { problems }: StepContext) {
  return fields[key] === undefined ? null : problems.check(Name, fields[key], { path: [...path, key] })
}

function errnoOf(fields: Readonly<Record<string, unknown>>, key: string, path: Path, { problems }: StepContext) {
  return fields[key] === undefined ? null : problems.check(ErrnoName, fields[key], { path: [...path, key] })
}

/** Collects the problems of a scenario file, each with its line and column. */

import { z } from 'zod'

/** A position in the file. Lines and columns count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** Keys and list indices, from the root of the file. */
export type Path = readonly (string | number)[]

export interface ScenarioProblem extends Place {
  readonly path: Path
  readonly message: string
}

export function problemText(file: string, { line, column, message }: Place & { message: string }): string {
  return `${file}:${line}:${column}: ${message}`
}

/** The file is not a valid scenario, and nothing was run. */
export class ScenarioError extends Error {
  readonly file: string
  /** In the order of their places in the file. */
  readonly problems: readonly ScenarioProblem[]

  constructor(file: string, problems: readonly ScenarioProblem[]) {
    super(problems.map((problem) => problemText(file, problem)).join('\n'))
    this.name = 'ScenarioError'
    this.file = file
    this.problems = problems
  }
}

/** Finds the place of a path in the file: the place of the value, or of its key. */
export type Locate = (path: Path, of?: 'key' | 'value') => Place

/** Collects all problems, so that one check reports all of them. */
export class Problems {
  readonly locate: Locate
  readonly #found: ScenarioProblem[] = []

  constructor(locate: Locate) {
    this.locate = locate
  }

  add(path: Path, message: string, of: 'key' | 'value' = 'value'): void {
    this.#found.push({ ...this.locate(path, of), path, message })
  }

  /** @throws ScenarioError if there is any problem */
  throwIfAny(file: string): void {
    if (this.#found.length === 0) return
    throw new ScenarioError(
      file,
      this.#found.sort((one, other) => one.line - other.line || one.column - other.column),
    )
  }

  /**
   * Checks a value against a schema, and adds a problem for each fault.
   * @param isOpen says whether the value at a path is known only when the scenario runs
   * @returns null if the value does not fit the schema
   */
  check<S extends z.ZodType>(
    schema: S,
    value: unknown,
    { path, isOpen = () => false }: { path: Path; isOpen?: (path: Path) => boolean },
  ): z.output<S> | null {
    const parsed = schema.safeParse(value, { error: explain })
    if (parsed.success) return parsed.data
    for (const issue of closed(parsed.error.issues, [], isOpen)) this.#addIssue(issue, path)
    return null
  }

  #addIssue({ issue, below }: Located, path: Path): void {
    const at = [...path, ...below]
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) this.add([...at, key], `there is no ${key} here; ${issue.message}`, 'key')
    } else if (issue.code === 'invalid_key') {
      this.add(at, `${at.at(-1)}: ${issue.issues[0]?.message ?? issue.message}`, 'key')
    } else this.add(at, `${nameOf(below)}${issue.code === 'invalid_union' ? unionText(issue) : issue.message}`)
  }
}

function nameOf(path: Path): string {
  const name = path.findLast((key) => typeof key === 'string')
  return name === undefined ? '' : `${name}: `
}

/** Lists the types that the branches accept, unless the union has a message of its own. */
function unionText({ message, errors }: z.core.$ZodIssueInvalidUnion): string {
  if (message !== 'Invalid input') return message
  const expected = errors.flatMap((branch) => branch.flatMap((issue) => ('expected' in issue ? [issue.expected] : [])))
  return `expected ${[...new Set(expected)].join(', ')}`
}

interface Located {
  readonly issue: z.core.$ZodIssue
  readonly below: Path
}

function keysOf(path: readonly PropertyKey[]): Path {
  return path.map((key) => (typeof key === 'symbol' ? '' : key))
}

/** Selects the issues that do not depend on open values. For a union, the branch that fits best is reported. */
function closed(issues: readonly z.core.$ZodIssue[], above: Path, isOpen: (path: Path) => boolean): Located[] {
  return issues.flatMap((issue) => {
    const below = [...above, ...keysOf(issue.path)]
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return isOpen(below) ? [] : [{ issue, below }]
    const branches = issue.errors.map((branch) => closed(branch, below, isOpen))
    if (isOpen(below) || branches.some((branch) => branch.length === 0)) return []
    const depth = (branch: readonly Located[]) => Math.max(...branch.map((one) => one.below.length))
    const [first, second] = branches.toSorted((one, other) => depth(other) - depth(one))
    // If no branch fits better than the others, the message lists the types that all of them accept.
    return first !== undefined && (second === undefined || depth(first) > depth(second)) ? first : [{ issue, below }]
  })
}

/** Messages that replace those of zod, because zod does not name the keys that exist. */
const explain: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'unrecognized_keys') {
    const names = keysThereAre(issue.inst)
    return names.length === 0 ? 'it takes nothing' : `there are ${names.join(', ')}`
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) return `is missing: ${issue.expected} expected`
  return undefined
}

function keysThereAre(schema: unknown): readonly string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape)
  return schema instanceof z.ZodRecord && schema.keyType instanceof z.ZodEnum ? schema.keyType.options.map(String) : []
}

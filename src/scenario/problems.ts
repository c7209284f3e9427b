/** What is wrong with a scenario, each thing with the place in the file where it stands. */

import { z } from 'zod'

/** Both count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** Keys and places in lists, from the whole file down. */
export type Path = readonly (string | number)[]

export interface ScenarioProblem extends Place {
  readonly path: Path
  readonly message: string
}

export function problemText(file: string, { line, column, message }: Place & { message: string }): string {
  return `${file}:${line}:${column}: ${message}`
}

/** The file is not a scenario. Nothing has happened. */
export class ScenarioError extends Error {
  readonly file: string
  /** In the order in which they stand in the file. */
  readonly problems: readonly ScenarioProblem[]

  constructor(file: string, problems: readonly ScenarioProblem[]) {
    super(problems.map((problem) => problemText(file, problem)).join('\n'))
    this.name = 'ScenarioError'
    this.file = file
    this.problems = problems
  }
}

/** Where a path leads to in the file: to a value, or to the key that names it. */
export type Locate = (path: Path, of?: 'key' | 'value') => Place

/** Collects all that is wrong, so that one run tells it all. */
export class Problems {
  readonly locate: Locate
  readonly #found: ScenarioProblem[] = []

  constructor(locate: Locate) {
    this.locate = locate
  }

  add(path: Path, message: string, of: 'key' | 'value' = 'value'): void {
    this.#found.push({ ...this.locate(path, of), path, message })
  }

  /** @throws ScenarioError where anything was found */
  throwIfAny(file: string): void {
    if (this.#found.length === 0) return
    throw new ScenarioError(
      file,
      this.#found.sort((one, other) => one.line - other.line || one.column - other.column),
    )
  }

  /**
   * Null where the value is not of the schema; what is wrong is then known.
   * @param isOpen whether what stands there is known only when the scenario runs
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

/** What each of its branches would have taken, where the union has nothing of its own to say. */
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

/** The issues that stand whatever the open values will be. Of the branches of a union that which fits best counts. */
function closed(issues: readonly z.core.$ZodIssue[], above: Path, isOpen: (path: Path) => boolean): Located[] {
  return issues.flatMap((issue) => {
    const below = [...above, ...keysOf(issue.path)]
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return isOpen(below) ? [] : [{ issue, below }]
    const branches = issue.errors.map((branch) => closed(branch, below, isOpen))
    if (isOpen(below) || branches.some((branch) => branch.length === 0)) return []
    const depth = (branch: readonly Located[]) => Math.max(...branch.map((one) => one.below.length))
    const [first, second] = branches.toSorted((one, other) => depth(other) - depth(one))
    // Where no branch got further than the others there is one thing to say: what all of them would have taken.
    return first !== undefined && (second === undefined || depth(first) > depth(second)) ? first : [{ issue, below }]
  })
}

/** In words of ours where zod’s own do not name what there is. */
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

/** Defines the errors of a request to the tree, besides those of the kernel. A refused request has changed nothing. */

/** `If-Match`, `If-None-Match` or `If-Process` does not hold. */
export class PreconditionFailed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PreconditionFailed'
  }
}

/** A rule has set this threshold or timeout, so no request changes it. */
export class OwnedByRule extends Error {
  /** File and line. */
  readonly rule: string

  constructor(noun: string, rule: string) {
    super(`${rule} sets this ${noun}: change or remove it there, then reload the rules`)
    this.name = 'OwnedByRule'
    this.rule = rule
  }
}

/** One fault of a rules file. */
export interface RuleFault {
  readonly file: string
  readonly line: number
  readonly detail: string
}

/** Rules files have faults, so none of their rules was applied. */
export class InvalidRules extends Error {
  readonly faults: readonly RuleFault[]

  constructor(faults: readonly RuleFault[]) {
    super(faults.map(ruleFaultText).join('\n'))
    this.name = 'InvalidRules'
    this.faults = faults
  }
}

/** Line 0 stands for the whole file. */
export function ruleFaultText({ file, line, detail }: RuleFault): string {
  return `${file}${line === 0 ? '' : `:${line}`}: ${detail}`
}

/** The path does not exist. */
export class NoSuchPath extends Error {
  /** The longest part of the path that exists. */
  readonly exists: string

  /** @param instead a similar path that exists */
  constructor(pathname: string, exists: string, instead: string | null = null) {
    super(`${pathname} does not exist; ${exists} does${instead === null ? '' : `; did you mean ${instead}?`}`)
    this.name = 'NoSuchPath'
    this.exists = exists
  }
}

/** The path has an invalid escape or an empty segment. */
export class MalformedPath extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MalformedPath'
  }
}

/** A file in a body is invalid, at these places. */
export class MalformedFile extends Error {
  readonly errors: readonly { readonly line: number; readonly column: number; readonly detail: string }[]

  constructor(errors: MalformedFile['errors']) {
    super(errors.map(({ line, column, detail }) => `${line}:${column}: ${detail}`).join('; '))
    this.name = 'MalformedFile'
    this.errors = errors
  }
}

/** A parameter of the query is invalid. */
export class MalformedQuery extends Error {
  readonly parameter: string

  constructor(parameter: string, message: string) {
    super(message)
    this.name = 'MalformedQuery'
    this.parameter = parameter
  }
}

/** A body in plain text cannot be parsed. */
export class MalformedText extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MalformedText'
  }
}

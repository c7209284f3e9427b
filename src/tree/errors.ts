/** Defines the errors of a request to the tree, besides those of the kernel. A refused request has changed nothing. */

/** `If-Match`, `If-None-Match` or `If-Process` does not hold. */
export class PreconditionFailed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PreconditionFailed'
  }
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

/** What can be wrong with a request to the tree, besides what the kernel refuses. Nothing was changed. */

/** `If-Match`, `If-None-Match` or `If-Process` does not hold. */
export class PreconditionFailed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PreconditionFailed'
  }
}

/** Nothing is there. */
export class NoSuchPath extends Error {
  /** The longest part of the path that exists. */
  readonly exists: string

  /** @param instead what may have been meant */
  constructor(pathname: string, exists: string, instead: string | null = null) {
    super(`${pathname} does not exist; ${exists} does${instead === null ? '' : `; did you mean ${instead}?`}`)
    this.name = 'NoSuchPath'
    this.exists = exists
  }
}

/** The path is not one: a bad escape, or an empty segment. */
export class MalformedPath extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MalformedPath'
  }
}

/** A file that was sent is wrong, at these places. */
export class MalformedFile extends Error {
  readonly errors: readonly { readonly line: number; readonly column: number; readonly detail: string }[]

  constructor(errors: MalformedFile['errors']) {
    super(errors.map(({ line, column, detail }) => `${line}:${column}: ${detail}`).join('; '))
    this.name = 'MalformedFile'
    this.errors = errors
  }
}

/** A parameter of the query is not understood. */
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

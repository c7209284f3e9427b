/**
 * Defines the problem types (RFC 9457) that the streams report. The HTTP interface includes the same rows in its table.
 */

export const streamProblems = {
  'malformed-frame': { status: 400, title: 'The frame is malformed' },
  'unexpected-frame': { status: 400, title: 'The service accepts no frames here' },
  'no-such-subscription': { status: 404, title: 'There is no such subscription' },
  'cursor-gone': { status: 410, title: 'The cursor is not available' },
  'too-many-subscriptions': { status: 429, title: 'There are too many subscriptions' },
  refused: { status: 409, title: 'The current state does not allow this' },
} as const satisfies Record<string, { status: number; title: string }>

export type StreamProblem = keyof typeof streamProblems

/** A problem document (RFC 9457). */
export interface FrameProblem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly [extension: string]: unknown
}

export function frameProblem(
  type: StreamProblem,
  detail: string,
  extra: Readonly<Record<string, unknown>> = {},
): FrameProblem {
  return { type: `urn:introspectd:problem:${type}`, ...streamProblems[type], detail, ...extra }
}

/** What frames and cursors are refused for; HTTP answers with the same rows. */

export const streamProblems = {
  'malformed-frame': { status: 400, title: 'A frame that is not understood' },
  'unexpected-frame': { status: 400, title: 'A frame that nobody asked for' },
  'no-such-subscription': { status: 404, title: 'There is no such subscription' },
  'cursor-gone': { status: 410, title: 'The cursor is no longer kept' },
  'too-many-subscriptions': { status: 429, title: 'There are too many subscriptions' },
  refused: { status: 409, title: 'The state does not allow it' },
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

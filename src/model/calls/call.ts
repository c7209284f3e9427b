/** Defines the results of kernel calls, in the shapes which all calls share. */

import type { ThreadState } from '../../kernel/states.ts'
import type { Described } from '../objects/blocker.ts'

/** Fields which a call returns; empty when it only succeeds. */
export type Value = Readonly<Record<string, unknown>>

/**
 * Outcome of a call, as a client sees it: the call has returned, or has blocked its thread. A refusal is thrown.
 * `Returned` of the thread has the result of a blocked call once that has returned.
 */
export type CallOutcome = { readonly returned: Value } | { readonly blocked: ThreadState; readonly on: Described }

/** Outcome of a call, as its own function returns it: the call has returned, or has blocked its thread. */
export type Progress = Value | 'blocked'

export const success: Value = {}

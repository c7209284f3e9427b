/** What every kernel call has in common. */

import type { ThreadState } from '../../kernel/states.ts'
import type { Described } from '../objects/blocker.ts'

/** What a call returned; empty for success and nothing more. */
export type Value = Readonly<Record<string, unknown>>

/** A call returns at once, or its thread is blocked: what it returns then is told when it does. A refusal is thrown. */
export type CallOutcome = { readonly returned: Value } | { readonly blocked: ThreadState; readonly on: Described }

/** What a call's own code says: that it has returned, or that it has blocked the thread. */
export type Progress = Value | 'blocked'

export const success: Value = {}

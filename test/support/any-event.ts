/** Type of events in tests: the fields of the data can be read without narrowing by event type. */

import type { KernelEvent } from '../../src/kernel/events.ts'

export type AnyEvent = Omit<KernelEvent, 'data'> & { readonly data: Readonly<Record<string, unknown>> }

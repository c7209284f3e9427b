/** Events as tests read them: fields of the data are looked up without narrowing by the type of the event. */

import type { KernelEvent } from '../../src/kernel/events.ts'

export type AnyEvent = Omit<KernelEvent, 'data'> & { readonly data: Readonly<Record<string, unknown>> }

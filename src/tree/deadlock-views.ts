/** Defines the schemas of deadlocks in replies. */

import { z } from 'zod'
import { closingChange } from '../kernel/events/deadlock-fields.ts'
import { fieldSchemaOf } from './field-schemas.ts'
import { path, time } from './value-schemas.ts'
import { WaitingView } from './views.ts'

export const DeadlockView = z
  .strictObject({
    path,
    id: z.int().describe('Sequence of the first event of the deadlock'),
    kind: z.enum(['detected', 'orphaned', 'suspected']),
    reason: z.string().exactOptional().describe('For a suspicion: the condition under which it is a deadlock'),
    since: time,
    closing: fieldSchemaOf(closingChange).describe('The change that completed the deadlock'),
    members: z.array(WaitingView).describe('In the order of the ring, or by pid and tid if there is no ring'),
    victims: z.array(WaitingView).describe('Threads that cannot run because the members cannot'),
  })
  .meta({ id: 'Deadlock' })

export type DeadlockView = z.output<typeof DeadlockView>

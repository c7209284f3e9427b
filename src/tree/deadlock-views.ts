/** Shapes of deadlocks. */

import { z } from 'zod'
import { closingChange } from '../kernel/events/deadlock-fields.ts'
import { fieldSchemaOf } from './field-schemas.ts'
import { path, time } from './value-schemas.ts'
import { WaitingView } from './views.ts'

export const DeadlockView = z
  .strictObject({
    path,
    id: z.int().describe('The sequence of its first event'),
    kind: z.enum(['detected', 'orphaned', 'suspected']),
    reason: z.string().exactOptional().describe('Of a suspicion: what must hold for it to be a deadlock'),
    since: time,
    closing: fieldSchemaOf(closingChange).describe('What closed it'),
    members: z.array(WaitingView).describe('In order round the ring, else by pid and tid'),
    victims: z.array(WaitingView).describe('Stuck because the members are'),
  })
  .meta({ id: 'Deadlock' })

export type DeadlockView = z.output<typeof DeadlockView>

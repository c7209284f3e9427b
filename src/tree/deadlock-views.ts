/** Shapes of deadlocks. */

import { z } from 'zod'
import { WaitingView } from './views.ts'

const path = z.string().describe('Pathname, which is also the URL path')
const time = z.iso.datetime().describe('RFC 3339, UTC')

export const DeadlockView = z
  .strictObject({
    path,
    id: z.int().describe('The sequence of its first event'),
    kind: z.enum(['detected', 'orphaned', 'suspected']),
    reason: z.string().exactOptional().describe('Of a suspicion: what must hold for it to be a deadlock'),
    since: time,
    closing: z
      .strictObject({
        what: z.enum(['blocked', 'ended', 'released', 'observed']),
        thread: path.nullable(),
        state: z.string().nullable(),
        call: z.string().nullable(),
      })
      .describe('What closed it'),
    members: z.array(WaitingView).describe('In order round the ring, else by pid and tid'),
    victims: z.array(WaitingView).describe('Stuck because the members are'),
  })
  .meta({ id: 'Deadlock' })

export type DeadlockView = z.output<typeof DeadlockView>

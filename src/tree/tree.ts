/** The whole pathname space, as rows. */

import type { Definition } from './definition.ts'
import { actionDefinitions } from './nodes/actions.ts'
import { deadlockDefinitions } from './nodes/deadlocks.ts'
import { documentDefinitions } from './nodes/documents.ts'
import { historyDefinitions } from './nodes/history.ts'
import { limitDefinitions } from './nodes/limits.ts'
import { modelDefinitions } from './nodes/model.ts'
import { nodeDefinitions } from './nodes/nodes.ts'
import { notifierDefinitions } from './nodes/notifier.ts'
import { rlimitDefinitions } from './nodes/rlimits.ts'
import { timeoutDefinitions } from './nodes/timeouts.ts'
import { waitDefinitions } from './nodes/waits.ts'

export const definitions: readonly Definition[] = [
  ...nodeDefinitions,
  ...documentDefinitions,
  ...deadlockDefinitions,
  ...rlimitDefinitions,
  ...actionDefinitions,
  ...notifierDefinitions,
  ...modelDefinitions,
  ...timeoutDefinitions,
  ...waitDefinitions,
  ...limitDefinitions,
  ...historyDefinitions,
]

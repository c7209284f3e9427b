/** Lists the rows of the whole pathname space. */

import type { Definition } from './definition.ts'
import { actionDefinitions } from './nodes/actions.ts'
import { cmdlineDefinitions } from './nodes/cmdline.ts'
import { deadlockDefinitions } from './nodes/deadlocks.ts'
import { directoryDefinitions } from './nodes/directories.ts'
import { documentDefinitions } from './nodes/documents.ts'
import { historyDefinitions } from './nodes/history.ts'
import { levelDefinitions } from './nodes/levels.ts'
import { limitDefinitions } from './nodes/limits.ts'
import { modelDefinitions } from './nodes/model.ts'
import { notifierDefinitions } from './nodes/notifier.ts'
import { rlimitDefinitions } from './nodes/rlimits.ts'
import { ruleDefinitions } from './nodes/rules.ts'
import { timeoutDefinitions } from './nodes/timeouts.ts'
import { waitDefinitions } from './nodes/waits.ts'

const belowLevels = [
  ...directoryDefinitions,
  ...documentDefinitions,
  ...deadlockDefinitions,
  ...rlimitDefinitions,
  ...actionDefinitions,
  ...cmdlineDefinitions,
  ...notifierDefinitions,
  ...timeoutDefinitions,
  ...ruleDefinitions,
  ...waitDefinitions,
  ...modelDefinitions,
  ...limitDefinitions,
  ...historyDefinitions,
]

export const definitions: readonly Definition[] = [...levelDefinitions(belowLevels), ...belowLevels]

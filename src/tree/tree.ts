/** The whole pathname space, as rows. */

import type { Definition } from './definition.ts'
import { actionDefinitions } from './nodes/actions.ts'
import { documentDefinitions } from './nodes/documents.ts'
import { limitDefinitions } from './nodes/limits.ts'
import { modelDefinitions } from './nodes/model.ts'
import { nodeDefinitions } from './nodes/nodes.ts'
import { rlimitDefinitions } from './nodes/rlimits.ts'

export const definitions: readonly Definition[] = [
  ...nodeDefinitions,
  ...documentDefinitions,
  ...rlimitDefinitions,
  ...actionDefinitions,
  ...modelDefinitions,
  ...limitDefinitions,
]

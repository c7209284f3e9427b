/** The whole pathname space, as rows. */

import type { Definition } from './definition.ts'
import { documentDefinitions } from './nodes/documents.ts'
import { limitDefinitions } from './nodes/limits.ts'
import { modelDefinitions } from './nodes/model.ts'
import { nodeDefinitions } from './nodes/nodes.ts'
import { notifierDefinitions } from './nodes/notifier.ts'

export const definitions: readonly Definition[] = [
  ...nodeDefinitions,
  ...documentDefinitions,
  ...notifierDefinitions,
  ...modelDefinitions,
  ...limitDefinitions,
]

/** `introspectd unset`: deletes a threshold. */

import { z } from 'zod'
import { printable } from '../base/terminal-text.ts'
import { marks } from '../config/row.ts'
import { clientSettings } from '../config/settings.ts'
import { defineCommand } from './command.ts'
import { print } from './print.ts'
import { ServiceConnection } from './service-connection.ts'
import { defaultThresholdName, limitNames, typedThresholdPath } from './threshold-path.ts'

export const unsetCommand = defineCommand({
  name: 'unset',
  summary: 'delete a threshold',
  args: {
    path: z
      .string()
      .describe(
        `limit such as 42/fds; append /threshold/NAME for a name other than ${defaultThresholdName}, which set gives`,
      )
      .register(marks, { words: limitNames }),
  },
  options: {},
  settings: clientSettings,
  examples: ['introspectd unset 42/fds', 'introspectd unset fds/threshold/each'],
  run: async ({ args: { path }, io, ...effective }) => {
    const target = typedThresholdPath(path)
    const connection = new ServiceConnection(effective)
    await connection.reply(connection.client.delete(target))
    print(io, `${printable(target)} deleted\n`)
  },
})

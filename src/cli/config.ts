/** `introspectd config`: prints the settings in effect and the origin of each value. */

import { z } from 'zod'
import { configSchema, printConfig } from '../config/print.ts'
import { settings } from '../config/settings.ts'
import { defineCommand } from './command.ts'
import { print } from './print.ts'

export const configCommand = defineCommand({
  name: 'config',
  summary: 'print the settings in effect and their origins, in the format of the --config file',
  args: {},
  options: {
    schema: z.boolean().default(false).describe('print the JSON Schema of the --config file instead'),
  },
  settings,
  examples: ['introspectd config > introspectd.yaml', 'introspectd config --config introspectd.yaml --port 7008'],
  run: ({ options: { schema }, io, ...effective }) => {
    print(io, schema ? `${JSON.stringify(configSchema(), null, 2)}\n` : printConfig(effective))
  },
})

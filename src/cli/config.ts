/** `introspectd config`: the settings in effect, and where each comes from. */

import { z } from 'zod'
import { configSchema, printConfig } from '../config/print.ts'
import { settings } from '../config.ts'
import { defineCommand } from './command.ts'
import { print } from './print.ts'

export const configCommand = defineCommand({
  name: 'config',
  summary: 'print the settings in effect, as a file for --config, with where each comes from',
  args: {},
  options: {
    schema: z.boolean().default(false).describe('print the JSON Schema of that file instead'),
  },
  settings,
  examples: ['introspectd config > introspectd.yaml', 'introspectd config --config introspectd.yaml --port 7008'],
  run: ({ options: { schema }, io, ...effective }) => {
    print(io, schema ? `${JSON.stringify(configSchema(), null, 2)}\n` : printConfig(effective))
  },
})

/** `introspectd serve`: the service itself. */

import { type Config, serviceSettings } from '../config.ts'
import { defineCommand } from './command.ts'
import type { CommandIo } from './io.ts'

export const serveCommand = (serve: (config: Config, io: CommandIo) => Promise<void>) =>
  defineCommand({
    name: 'serve',
    summary: 'serve over HTTP',
    args: {},
    options: {},
    settings: serviceSettings,
    examples: [
      'introspectd serve',
      'introspectd serve --host 0.0.0.0 --token-file tokens',
      'introspectd --config introspectd.yaml',
    ],
    run: ({ config, io }) => serve(config, io),
  })

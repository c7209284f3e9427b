/** `introspectd serve`: runs the service. */

import { servedOn } from '../config/platform.ts'
import { type Config, serviceSettings } from '../config/settings.ts'
import { defineCommand } from './command.ts'
import type { CommandIo } from './io.ts'

export function serveCommand(serve: (config: Config, io: CommandIo, file: string | null) => Promise<void>) {
  return defineCommand({
    name: 'serve',
    summary: 'run the service: monitor this machine, or the model, and serve it over HTTP',
    args: {},
    options: {},
    settings: serviceSettings,
    examples: [
      'introspectd serve',
      'introspectd serve --host 0.0.0.0 --token-file tokens',
      'introspectd --config introspectd.yaml',
    ],
    run: (call) => {
      const { config, note } = servedOn(process.platform, call)
      if (note !== null) call.io.stderr.write(`introspectd: ${note}\n`)
      return serve(config, call.io, call.file)
    },
  })
}

/** Reads the command line, builds the service and starts it. */

import { readFileSync } from 'node:fs'
import { runCommandLine } from '../cli/command-line.ts'
import { commandsOf } from '../cli/commands.ts'
import { CliError } from '../cli/error.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { environment } from '../config/environment.ts'
import { ConfigError } from '../config/error.ts'
import { asyncApi } from '../http/asyncapi.ts'
import { openApi } from '../http/openapi.ts'
import { asOpenApi30 } from '../http/openapi-3-0.ts'
import { StoreError } from '../journal/store.ts'
import { RouteError } from '../reactions/route.ts'
import { endWithNpm } from '../runtime/parent-end.ts'
import type { SupervisedStart } from '../runtime/supervised-start.ts'
import { SourceError, UnsuitableMachineError } from '../sources/source.ts'
import { InvalidRules } from '../tree/errors.ts'
import { ListenError } from './endpoint.ts'
import { serve } from './serve.ts'

const packageFile = new URL('../../package.json', import.meta.url)

function fail(message: string, status: number): never {
  process.stderr.write(`introspectd: ${message}\n`)
  process.exit(status)
}

/** @param starting null where no supervisor waits for a service */
export async function runProgram(words: readonly string[], starting: SupervisedStart | null): Promise<void> {
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
  endWithNpm(environment)
  // There is no other place for a message about this one.
  process.stderr.on('error', () => {})
  try {
    const commands = commandsOf({
      serve: (config, io, file) => serve(config, { io, file, version, starting }),
      openApi: (form) => (form === '3.0' ? asOpenApi30(openApi(version)) : openApi(version)),
      asyncApi: () => asyncApi(version),
    })
    await runCommandLine({ commands, version }, words)
  } catch (error) {
    if (
      !(
        error instanceof ConfigError ||
        error instanceof CliError ||
        error instanceof InvalidRules ||
        error instanceof ListenError ||
        error instanceof RouteError ||
        error instanceof SourceError ||
        error instanceof StoreError
      )
    )
      throw error
    fail(error.message, (error instanceof UnsuitableMachineError ? exitCodes.wrongMachine : exitCodes.failed).code)
  }
}

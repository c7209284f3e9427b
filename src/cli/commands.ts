/** Lists the commands in the order in which the help shows them. */

import type { Config } from '../config/settings.ts'
import { asyncApiCommand } from './asyncapi.ts'
import type { Command } from './command.ts'
import { completionCommand } from './completion.ts'
import { configCommand } from './config.ts'
import { deadlocksCommand, getCommand, limitsCommand, statusCommand, thresholdsCommand } from './documents.ts'
import { eventsCommand } from './events.ts'
import type { CommandIo } from './io.ts'
import { journalCommand } from './journal.ts'
import { openApiCommand } from './openapi.ts'
import { psCommand } from './ps.ts'
import { rulesCommand } from './rules.ts'
import { serveCommand } from './serve.ts'
import { setCommand } from './set.ts'
import { simulateCommand } from './simulate-command.ts'
import { topCommand } from './top.ts'
import { unsetCommand } from './unset.ts'
import { waitCommand } from './wait.ts'
import { watchCommand } from './watch.ts'

/** Functions of the service that commands call. The main program supplies them, so that commands do not import it. */
export interface ServiceActions {
  /** @param file The file that the settings were read from. */
  readonly serve: (config: Config, io: CommandIo, file: string | null) => Promise<void>
  readonly openApi: (version: '3.1' | '3.0') => object
  readonly asyncApi: () => object
}

export function commandsOf({ serve, openApi, asyncApi }: ServiceActions): readonly [Command, ...Command[]] {
  const commands: readonly [Command, ...Command[]] = [
    serveCommand(serve),
    psCommand,
    topCommand,
    watchCommand,
    eventsCommand,
    waitCommand,
    setCommand,
    unsetCommand,
    thresholdsCommand,
    limitsCommand,
    deadlocksCommand,
    getCommand,
    statusCommand,
    simulateCommand,
    configCommand,
    rulesCommand,
    journalCommand,
    openApiCommand(openApi),
    asyncApiCommand(asyncApi),
    completionCommand(() => commands),
  ]
  return commands
}

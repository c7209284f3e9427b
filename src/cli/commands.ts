/** All commands, in the order of the help. */

import type { Config } from '../config.ts'
import { asyncApiCommand } from './asyncapi.ts'
import type { Command } from './command.ts'
import { configCommand } from './config.ts'
import type { CommandIo } from './io.ts'
import { journalCommand } from './journal.ts'
import { openApiCommand } from './openapi.ts'
import { psCommand } from './ps.ts'
import { serveCommand } from './serve.ts'
import { setCommand } from './set.ts'
import { simulateCommand } from './simulate.ts'
import { topCommand } from './top.ts'
import { watchCommand } from './watch.ts'

/** What commands do that is not theirs: the program supplies it. */
export interface Deeds {
  readonly serve: (config: Config, io: CommandIo) => Promise<void>
  readonly openApi: () => object
  readonly asyncApi: () => object
}

export const commandsOf = ({ serve, openApi, asyncApi }: Deeds): readonly [Command, ...Command[]] => [
  serveCommand(serve),
  psCommand,
  topCommand,
  watchCommand,
  setCommand,
  simulateCommand,
  configCommand,
  journalCommand,
  openApiCommand(openApi),
  asyncApiCommand(asyncApi),
]

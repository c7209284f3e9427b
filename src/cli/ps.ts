/** `introspectd ps`: lists the processes, or the threads of one process. */

import { z } from 'zod'
import { marks } from '../config/row.ts'
import { clientSettings } from '../config/settings.ts'
import type { Column } from '../tree/definition.ts'
import { processColumns, threadColumns } from '../tree/nodes/directories.ts'
import { renderTable } from '../tree/text.ts'
import { defineCommand } from './command.ts'
import { CliError } from './error.ts'
import { printTable } from './print.ts'
import { columnNamed, readProcesses, sorted, sortMeaning, sortWords, tableOptions } from './process-table.ts'
import { followProcesses } from './ps-watch.ts'
import { ServiceConnection } from './service-connection.ts'

export const psCommand = defineCommand({
  name: 'ps',
  summary: 'list the processes, or the threads of one process',
  args: {
    pid: z
      .string()
      .regex(/^([1-9]\d*|self)$/, 'expected a pid; --name finds processes by name')
      .optional()
      .describe('process whose threads to list; default: list the processes'),
  },
  options: {
    sort: z.string().optional().describe(sortMeaning).register(marks, { words: sortWords }),
    ...tableOptions,
    watch: z
      .boolean()
      .default(false)
      .describe('then print a line for each process that starts, changes or ends, until Ctrl-C'),
  },
  settings: clientSettings,
  examples: [
    'introspectd ps --sort fds',
    'introspectd ps --name httpd --watch',
    'introspectd ps --part system.slice',
    'introspectd ps 42',
  ],
  run: async ({ args: { pid }, options, io, ...effective }) => {
    const connection = new ServiceConnection(effective)
    if (pid === undefined) {
      const by = orderOf(processColumns, options)
      if (options.watch) return followProcesses(connection, { io, options, by })
      const { processes, hiddenPids } = await readProcesses(connection, options)
      printTable(io, renderTable(processColumns, by(processes)))
      if (processes.length === 0 && hiddenPids.size > 0)
        io.stderr.write(`introspectd: no process fits; --all shows kernel threads, too\n`)
      return
    }
    if (options.name !== undefined || options.part !== undefined) {
      throw new CliError('--name and --part select processes; leave them out with a pid')
    }
    if (options.all || options.watch)
      throw new CliError('--all and --watch are for processes; leave them out with a pid')
    const by = orderOf(threadColumns, options)
    const { body } = await connection.reply(connection.client.get(`/sys/proc/${pid}/thread`))
    printTable(io, renderTable(threadColumns, by(body.entries)))
  },
})

interface OrderOptions {
  readonly sort?: string | undefined
  readonly reverse: boolean
}

/** Sorts by the column; by default the order is that of the service, by pid or tid. @throws CliError */
function orderOf<Entry>(columns: readonly Column<Entry>[], { sort, reverse }: OrderOptions) {
  const by = sort === undefined ? null : columnNamed(columns, sort)
  return (entries: readonly Entry[]): readonly Entry[] => {
    if (by !== null) return sorted(entries, { by, reverse })
    return reverse ? entries.toReversed() : entries
  }
}

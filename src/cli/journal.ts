/** `introspectd journal`: inspects the journal file, and compacts it. */

import { z } from 'zod'
import { cursorText } from '../base/cursor.ts'
import { dataDirectory } from '../config/data.ts'
import { serviceSettings } from '../config/settings.ts'
import { openDirectory } from '../journal/data-directory.ts'
import { type EventFigures, inspectJournal, type JournalFigures } from '../journal/inspect.ts'
import { defineCommand } from './command.ts'
import { CliError } from './error.ts'
import { print } from './print.ts'

export const journalCommand = defineCommand({
  name: 'journal',
  summary: 'inspect the journal in --data, also while the service runs, or compact its file',
  args: {
    action: z
      .enum(['inspect', 'compact'])
      .default('inspect')
      .describe(
        'inspect only reads; compact frees the disk space of deleted events, and needs the service to be stopped',
      ),
  },
  options: {
    json: z.boolean().default(false).describe('print JSON'),
  },
  settings: serviceSettings.filter(({ name }) => name === 'data'),
  examples: ['introspectd journal', 'introspectd journal compact --data data'],
  run: ({ args: { action }, options: { json }, config: { data }, io }) => {
    const directory = dataDirectory({ data, source: 'linux' }, io.env)
    if (directory === null) throw new CliError('--data memory has no journal: name the directory of the service')
    const before = inspectJournal(directory)
    if (action === 'compact') compact(directory)
    const figures = action === 'compact' ? inspectJournal(directory) : before
    if (json) print(io, `${JSON.stringify(figures, null, 2)}\n`)
    else
      print(io, `${action === 'compact' ? `before    ${mebibytes(before.diskBytes)} on disk\n` : ''}${textOf(figures)}`)
  },
})

function compact(directory: string): void {
  const { store, setAside, close } = openDirectory(directory, Date.now())
  try {
    if (setAside !== null)
      throw new CliError(`the journal is damaged (${setAside.reason}): it was moved to ${setAside.file}`)
    store.compact()
  } finally {
    close()
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}

function boundText(event: EventFigures | null): string {
  return event === null ? '-' : `${cursorText(event.sequence)} of ${event.time}`
}

function textOf({ definitions, setAside, types, ...rest }: JournalFigures): string {
  const { file, diskBytes, usedBytes, events, oldest, newest, tripped } = rest
  const rows = [
    ['file', file],
    ['size', `${mebibytes(diskBytes)} on disk, ${mebibytes(usedBytes)} in use`],
    ['events', String(events)],
    ['oldest', boundText(oldest)],
    ['newest', boundText(newest)],
    ...types.map(({ type, count }) => ['', `${String(count).padStart(10)} ${type}`]),
    ['set', definitions.map(({ kind, count }) => `${kind} ${count}`).join(', ') || '-'],
    ['tripped', String(tripped)],
    ...setAside.map((name) => ['damaged', name]),
  ]
  return rows.map(([title, text]) => `${title!.padEnd(9)} ${text}\n`).join('')
}

/** `introspectd journal`: what is kept, and giving back the room of what is not any more. */

import { z } from 'zod'
import { dataDirectory } from '../config/data.ts'
import { serviceSettings } from '../config.ts'
import { cursorText } from '../cursor.ts'
import { openDirectory } from '../journal/data-directory.ts'
import { type EventFigures, inspectJournal, type JournalFigures } from '../journal/inspect.ts'
import { defineCommand } from './command.ts'
import { CliError } from './error.ts'
import { print } from './print.ts'

export const journalCommand = defineCommand({
  name: 'journal',
  summary: 'show what the journal in --data holds, also of a running service, or make its file smaller',
  args: {
    action: z
      .enum(['inspect', 'compact'])
      .default('inspect')
      .describe('inspect reads only; compact gives back the room of what was deleted, while no service runs'),
  },
  options: {
    json: z.boolean().default(false).describe('as JSON'),
  },
  settings: serviceSettings.filter(({ name }) => name === 'data'),
  examples: ['introspectd journal', 'introspectd journal compact --data data'],
  run: ({ args: { action }, options: { json }, config: { data }, io }) => {
    const directory = dataDirectory({ data, source: 'linux' }, io.env)
    if (directory === null) throw new CliError('--data memory keeps nothing that could be looked at')
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
    if (setAside !== null) throw new CliError(`the journal is damaged (${setAside.reason}): it is now ${setAside.file}`)
    store.compact()
  } finally {
    close()
  }
}

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`

const endText = (end: EventFigures | null): string =>
  end === null ? '-' : `${cursorText(end.sequence)} of ${end.time}`

function textOf({ definitions, setAside, types, ...rest }: JournalFigures): string {
  const { file, diskBytes, usedBytes, events, oldest, newest, tripped } = rest
  const rows = [
    ['file', file],
    ['size', `${mebibytes(diskBytes)} on disk, ${mebibytes(usedBytes)} in use`],
    ['events', String(events)],
    ['oldest', endText(oldest)],
    ['newest', endText(newest)],
    ...types.map(({ type, count }) => ['', `${String(count).padStart(10)} ${type}`]),
    ['set', definitions.map(({ kind, count }) => `${kind} ${count}`).join(', ') || '-'],
    ['tripped', String(tripped)],
    ...setAside.map((name) => ['damaged', name]),
  ]
  return rows.map(([title, text]) => `${title!.padEnd(9)} ${text}\n`).join('')
}

/** Style rule for names: no declared name and no file name contains a banned word. */

import { basename } from 'node:path'
import { declaredNames } from './declared-names.ts'
import { fileRule } from './rule.ts'

const banned: ReadonlySet<string> = new Set(
  (
    'told tell tells kept keep keeps keeping keeper lives asked ask doubt doubts whoever anew bury buried foresee ' +
    'wish wishes heard hear hears usual news'
  ).split(' '),
)

/** Names with a banned word that stay, with the reason. */
const exceptions: ReadonlyMap<string, string> = new Map([
  ['journalKeep', 'setting journal.keep: names of settings do not change'],
  ['historyKeep', 'setting history.keep: names of settings do not change'],
])

/** Splits `journalKeep`, `journal-keep` and `JOURNAL_KEEP` into words. The standard word keep-alive counts as one. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/keep[-_]?alive/gi, 'Keepalive')
    .replaceAll(/([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3 $2$4')
    .toLowerCase()
    .split(/[^a-z]+/)
}

/** Fields on the wire and in saved states, whose names do not change: allowed in the files that declare them. */
const wireFields: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'kept',
    [
      'src/http/subscriptions.ts',
      'src/tree/history-views.ts',
      'src/tree/nodes/history.ts',
      'test/http/events.test.ts',
      'test/http/history.test.ts',
    ],
  ],
  ['keep', ['src/tree/history-views.ts', 'src/tree/nodes/history.ts', 'test/http/history.test.ts']],
  ['told', ['src/model/state/thresholds.ts', 'src/tree/saved/values.ts', 'test/http/state.test.ts']],
])

function bannedIn(name: string, path: string): string[] {
  if (exceptions.has(name) || wireFields.get(name)?.includes(path)) return []
  return wordsOf(name).filter((word) => banned.has(word))
}

export const nameRule = fileRule(
  'names',
  `Names of files, types, variables and members do not contain ${[...banned].join(', ')}.`,
  ({ path, syntax, index }) => {
    const file = bannedIn(basename(path), path).map((word) => ({ line: 1, text: `file name with "${word}"` }))
    if (syntax === undefined) return file

    const seen = new Set<string>()
    const declared = declaredNames(syntax.program).toSorted((a, b) => a.start - b.start)
    const names = declared.flatMap(({ name, start }) => {
      if (seen.has(name)) return []
      seen.add(name)
      return bannedIn(name, path).map((word) => ({ line: index.lineOf(start), text: `${name}: "${word}"` }))
    })
    return [...file, ...names]
  },
)

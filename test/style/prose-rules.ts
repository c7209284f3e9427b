/** Style rules for prose: comments, Markdown and names of tests. */

import { excerpt, firstWordOf, type Passage } from './passage.ts'
import { type Fault, fileRule } from './rule.ts'
import type { SourceFile } from './source-file.ts'
import { messages, testNames } from './texts.ts'

const columnsMax = 120

const faultsOf = (passages: readonly Passage[]): Fault[] =>
  passages.map(({ line, rows }) => ({ line, text: excerpt(rows.find((row) => row.trim() !== '') ?? '') }))

/** A line may be longer than the bound by as much as its URLs take. */
function isLong(row: string): boolean {
  return [...row.replaceAll(/https?:\/\/[^\s)>\]]+/g, '')].length > columnsMax
}

export const lineRule = fileRule(
  'lines',
  `Lines of comments and Markdown have at most ${columnsMax} columns.`,
  (file) =>
    [...file.comments, ...file.paragraphs, ...file.headings].flatMap(({ line, rows }) =>
      rows.flatMap((_, place) => {
        const row = file.lines[line - 1 + place]!
        return isLong(row) ? [{ line: line + place, text: `${[...row].length} columns: ${excerpt(row)}` }] : []
      }),
    ),
)

const openers: ReadonlySet<string> = new Set('what who whom whoever of those where all how as that which'.split(' '))
const opensOddly = (passage: Passage): boolean => openers.has(firstWordOf(passage) ?? '')

export const openerRule = fileRule(
  'openers',
  'Comments and paragraphs do not begin with What, Who, Whom, Whoever, Of, Those, Where, All, How, As, That or Which.',
  (file) => faultsOf([...file.comments, ...file.paragraphs].filter(opensOddly)),
)

const countedOpeners: ReadonlySet<string> = new Set('what who of where all how those as'.split(' '))

/** Counts comments, and those among them that begin with one of the eight openers by which projects are compared. */
export function openerShare(files: readonly SourceFile[]): { odd: number; comments: number } {
  const comments = files.flatMap((file) => file.comments)
  return { odd: comments.filter((one) => countedOpeners.has(firstWordOf(one) ?? '')).length, comments: comments.length }
}

const testOpeners: ReadonlySet<string> = new Set('that of what who whom where how all those'.split(' '))

export const testNameRule = fileRule(
  'test-names',
  'Names of tests are sentences: they do not begin with that, of, what, who, whom, where, how, all or those.',
  (file) => faultsOf(testNames(file).filter((name) => testOpeners.has(firstWordOf(name) ?? ''))),
)

const bannedPhrase = /\b(?:told|tells?|kept|lives|asked|doubts|whoever|anew|of\s+what|who\s+hears)\b/gi

/** Finds each banned word, also where a line break divides a phrase. Words between backticks are names, not prose. */
function phraseFaults({ line, rows }: Passage): Fault[] {
  const text = rows.join('\n').replaceAll(/`[^`]*`/g, (code) => code.replaceAll(/[^\n]/g, '`'))
  return [...text.matchAll(bannedPhrase)].map(({ 0: phrase, index }) => {
    const place = text.slice(0, index).split('\n').length - 1
    return { line: line + place, text: `"${phrase.replaceAll(/\s+/g, ' ')}": ${excerpt(rows[place]!)}` }
  })
}

export const phraseRule = fileRule(
  'words',
  'Comments, Markdown, names of tests and messages avoid told, tell, tells, kept, lives, asked, doubts, whoever, anew, "of what" and "who hears".',
  (file) =>
    [
      ...file.comments,
      ...file.paragraphs,
      ...file.headings,
      ...(file.path.startsWith('src/') ? messages(file) : testNames(file)),
    ].flatMap(phraseFaults),
)

export const headerRule = fileRule(
  'headers',
  'A TypeScript file begins with a doc comment that says what the file is for.',
  ({ syntax, text }) =>
    syntax === undefined || /^(?:#!.*\n)?\/\*\*[\s*]*[^\s*/]/.test(text)
      ? []
      : [{ line: 1, text: 'no header comment' }],
)

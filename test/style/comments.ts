/** Finds the comments of a file, with the comment marks removed. Successive line comments count as one comment. */

import type { Comment } from 'oxc-parser'
import type { Passage } from './passage.ts'

/** Gives line numbers, from 1, for offsets into a text. */
export class LineIndex {
  readonly #starts: number[] = [0]

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1)
  }

  lineOf(offset: number): number {
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }
}

interface LineComment {
  readonly line: number
  readonly text: string
  /** Nothing but white space stands before it on its line. */
  readonly alone: boolean
}

/** Joins line comments that stand alone on successive lines. */
function runsOf(comments: readonly LineComment[]): Passage[] {
  const runs: { line: number; rows: string[]; alone: boolean }[] = []
  for (const { line, text, alone } of comments) {
    const last = runs.at(-1)
    if (alone && last?.alone && last.line + last.rows.length === line) last.rows.push(text)
    else runs.push({ line, rows: [text], alone })
  }
  return runs.map(({ line, rows }) => ({ line, rows }))
}

const blockRows = (value: string): string[] => value.split('\n').map((row) => row.replace(/^\s*\*+ ?/, ''))

const inOrder = (passages: readonly Passage[]): Passage[] => passages.toSorted((a, b) => a.line - b.line)

/** Comments of a TypeScript file, from what the parser found. */
export function typeScriptComments(text: string, index: LineIndex, found: readonly Comment[]): Passage[] {
  const lines = found
    .filter(({ type }) => type === 'Line')
    .map(({ start, value }) => ({
      line: index.lineOf(start),
      text: value,
      alone: text.slice(text.lastIndexOf('\n', start) + 1, start).trim() === '',
    }))
  const blocks = found
    .filter(({ type }) => type === 'Block')
    .map(({ start, value }) => ({ line: index.lineOf(start), rows: blockRows(value) }))
  return inOrder([...runsOf(lines), ...blocks])
}

const literalOrComment = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\*([\s\S]*?)\*\/|\/\/([^\n]*)/g

/** Comments of a C file. */
export function cComments(text: string, index: LineIndex): Passage[] {
  const matches = [...text.matchAll(literalOrComment)]
  const lines = matches.flatMap(({ index: at, 2: row }) =>
    row === undefined
      ? []
      : [
          {
            line: index.lineOf(at),
            text: row,
            alone: text.slice(text.lastIndexOf('\n', at) + 1, at).trim() === '',
          },
        ],
  )
  const blocks = matches.flatMap(({ index: at, 1: body }) =>
    body === undefined ? [] : [{ line: index.lineOf(at), rows: blockRows(body) }],
  )
  return inOrder([...runsOf(lines), ...blocks])
}

/** Comments of a shell, Python or YAML file that stand on lines of their own. */
export function hashComments(lines: readonly string[]): Passage[] {
  return runsOf(
    lines.flatMap((row, place) => {
      const text = /^\s*#(?!!)(.*)$/.exec(row)?.[1]
      return text === undefined ? [] : [{ line: place + 1, text, alone: true }]
    }),
  )
}

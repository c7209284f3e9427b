/** Reads a file of the project for the style rules: its lines, its comments and, for TypeScript, its syntax tree. */

import { type EcmaScriptModule, type Program, parseSync } from 'oxc-parser'
import { cComments, hashComments, LineIndex, typeScriptComments } from './comments.ts'
import { markdownProse } from './markdown.ts'
import type { Passage } from './passage.ts'

export interface Syntax {
  readonly program: Program
  /** Imports and exports. */
  readonly module: EcmaScriptModule
}

export interface SourceFile {
  /** From the root of the project, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  readonly index: LineIndex
  readonly comments: readonly Passage[]
  /** Paragraphs and list items of a Markdown page. */
  readonly paragraphs: readonly Passage[]
  readonly headings: readonly Passage[]
  /** Present in TypeScript files. */
  readonly syntax?: Syntax
}

/** @throws Error when a TypeScript file has a syntax error. */
export function sourceFile(path: string, text: string): SourceFile {
  const lines = text.split('\n')
  const index = new LineIndex(text)
  const base = { path, text, lines, index, comments: [], paragraphs: [], headings: [] }
  if (path.endsWith('.md')) return { ...base, ...markdownProse(lines) }
  if (path.endsWith('.c')) return { ...base, comments: cComments(text, index) }
  if (!path.endsWith('.ts')) return { ...base, comments: hashComments(lines) }

  const { program, module, comments, errors } = parseSync(path, text)
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`)
  return { ...base, comments: typeScriptComments(text, index, comments), syntax: { program, module } }
}

/** Finds the texts of a TypeScript file that people read: names of tests, and messages (strings of several words). */

import { type Node, Visitor } from 'oxc-parser'
import type { Passage } from './passage.ts'
import type { SourceFile } from './source-file.ts'

const runners: ReadonlySet<string> = new Set(['test', 'it', 'describe', 'suite'])

/** Name at the left end of a chain such as `test.skipIf(root).each(rows)`. */
function rootName(node: Node): string | undefined {
  if (node.type === 'Identifier') return node.name
  if (node.type === 'MemberExpression') return rootName(node.object)
  if (node.type === 'CallExpression') return rootName(node.callee)
  if (node.type === 'TaggedTemplateExpression') return rootName(node.tag)
  return undefined
}

/** Text of a string or template; an ellipsis stands for each value that a template inserts. */
function textOf(node: Node | undefined): string | undefined {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node?.type === 'TemplateLiteral') return node.quasis.map(({ value }) => value.cooked ?? '').join('…')
  return undefined
}

const passage = (line: number, text: string): Passage => ({ line, rows: text.split('\n') })

/** The first strings of calls to `test`, `it` and `describe`. */
export function testNames({ syntax, index }: SourceFile): Passage[] {
  const names: Passage[] = []
  if (syntax === undefined) return names
  new Visitor({
    CallExpression({ callee, arguments: [first] }) {
      const text = textOf(first)
      if (text === undefined || !runners.has(rootName(callee) ?? '')) return
      names.push(passage(index.lineOf(first!.start), text))
    },
  }).visit(syntax.program)
  return names
}

/** Strings and templates with a space in them. Types and module names are no messages. */
export function messages({ syntax, index }: SourceFile): Passage[] {
  const found: Passage[] = []
  if (syntax === undefined) return found
  const add = (node: Node): void => {
    const text = textOf(node)
    if (text?.trim().includes(' ')) found.push(passage(index.lineOf(node.start), text))
  }
  new Visitor({ Literal: add, TemplateLiteral: add }).visit(syntax.program)
  return found
}

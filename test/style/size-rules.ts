/** Style rules for size: functions and source files that people can read in one go. */

import { type Node, Visitor } from 'oxc-parser'
import { type Fault, fileRule } from './rule.ts'

const functionLinesMax = 60
const fileLinesMax = 300

export const functionRule = fileRule(
  'functions',
  `Functions in src have at most ${functionLinesMax} lines.`,
  ({ path, syntax, index, lines }) => {
    const faults: Fault[] = []
    if (syntax === undefined || !path.startsWith('src/')) return faults
    const check = ({ start, end }: Node): void => {
      const line = index.lineOf(start)
      const count = index.lineOf(end) - line + 1
      if (count > functionLinesMax) faults.push({ line, text: `${count} lines: ${lines[line - 1]!.trim()}` })
    }
    new Visitor({ FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check }).visit(
      syntax.program,
    )
    return faults
  },
)

export const fileSizeRule = fileRule('files', `Files in src have at most ${fileLinesMax} lines.`, ({ path, text }) => {
  const count = text.trimEnd().split('\n').length
  return path.startsWith('src/') && path.endsWith('.ts') && count > fileLinesMax
    ? [{ line: 1, text: `${count} lines` }]
    : []
})

/** Reads every file of a checkout that the style rules apply to. */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SourceFile, sourceFile } from './source-file.ts'

const inScope =
  /^(?:(?:src|test|bench|docs|examples|scenarios|tools)\/.*\.(?:ts|md|c|py|sh|yaml)|[^/]+\.(?:md|ts)|\.ci\/run)$/
const outOfScope = /^(?:test\/fixtures\/|src\/client\/routes\.ts$)/

/** Lists tracked files and new files that Git does not ignore. */
function pathsOf(root: string): string[] {
  const options = { cwd: root, encoding: 'utf8' } as const
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], options)
  const paths = new Set(listed.trim().split('\n'))
  return [...paths]
    .filter((path) => inScope.test(path) && !outOfScope.test(path) && existsSync(join(root, path)))
    .sort()
}

/** @param root Root directory of the checkout. */
export function readProject(root: string): SourceFile[] {
  return pathsOf(root).map((path) => sourceFile(path, readFileSync(join(root, path), 'utf8')))
}

/** Each style rule finds the faults that it is for, and nothing in text that is right. */

import { expect, test } from 'vitest'
import { homeRule } from './home-rule.ts'
import { layerRule, runtimeCycleRule, typeCycleRule } from './import-rules.ts'
import { nameRule } from './name-rule.ts'
import { headerRule, lineRule, openerRule, openerShare, phraseRule, testNameRule } from './prose-rules.ts'
import { shareText } from './report.ts'
import type { Rule } from './rule.ts'
import { fileSizeRule, functionRule } from './size-rules.ts'
import { sourceFile } from './source-file.ts'

/** Finds faults in one file; each is `line: text`. */
function faults(rule: Rule, path: string, text: string): string[] {
  return rule.find([sourceFile(path, text)]).map((found) => `${found.line}: ${found.text}`)
}

const linesOf = (rule: Rule, path: string, text: string): number[] =>
  rule.find([sourceFile(path, text)]).map(({ line }) => line)

/** Finds faults in several files; each is `path: text`. */
function faultsAmong(rule: Rule, texts: Readonly<Record<string, string>>): string[] {
  const files = Object.entries(texts).map(([path, text]) => sourceFile(path, text))
  return rule.find(files).map((found) => `${found.path}: ${found.text}`)
}

const long = 'word '.repeat(25).trim()

test('a line of a comment or of Markdown prose may not pass 120 columns', () => {
  expect(linesOf(lineRule, 'a.ts', `/**\n * ${long}\n */\nconst a = 1 // ${long}\n// ${long}`)).toEqual([2, 4, 5])
  expect(linesOf(lineRule, 'a.md', `# ${long}\n\n${long}\nshort\n- ${long}\n`)).toEqual([1, 3, 5])
  expect(linesOf(lineRule, 'a.sh', `#!/bin/sh ${long}\n# ${long}\necho ${long}\n`)).toEqual([2])
  expect(linesOf(lineRule, 'a.c', `char *a = "// ${long}";\n/* ${long} */\n`)).toEqual([2])
})

test('code, tables, fenced text and URLs may pass 120 columns', () => {
  const url = `https://example.org/${'x'.repeat(120)}`
  expect(linesOf(lineRule, 'a.ts', `const a = '${long}'\n// see ${url}`)).toEqual([])
  expect(linesOf(lineRule, 'a.md', `| ${long} |\n\n\`\`\`sh\n${long}\n\`\`\`\n\n    ${long}\n\n${url}\n`)).toEqual([])
  expect(linesOf(lineRule, 'a.ts', `// ${'µ'.repeat(117)}`)).toEqual([])
})

test.each(['What', 'Who', 'Whom', 'Whoever', 'Of', 'Those', 'Where', 'All', 'How', 'As', 'That', 'Which'])(
  'no comment and no paragraph begins with %s',
  (word) => {
    const opening = `${word} happens next`
    expect(linesOf(openerRule, 'a.ts', `/** ${opening} */\n\n/**\n * ${opening}\n */\n// ${opening}`)).toEqual([
      1, 3, 6,
    ])
    expect(linesOf(openerRule, 'a.md', `${opening}\n\n- ${opening}\n- *${opening}*\n`)).toEqual([1, 3, 4])
    expect(linesOf(openerRule, 'a.py', `# ${opening}\n`)).toEqual([1])
  },
)

test('a Markdown paragraph may have lines that begin with a placeholder, and lists may be nested', () => {
  expect(
    linesOf(openerRule, 'a.md', '<b>What</b>\n\n- Reads\n  `/proc/`\n  <pid> files.\n\n    - What it reads\n'),
  ).toEqual([7])
  expect(linesOf(lineRule, 'a.md', `Reads\n<pid> ${long}\n`)).toEqual([2])
})

test('only the first word of a run of line comments counts as its opener', () => {
  expect(
    linesOf(openerRule, 'a.ts', '// Sends a frame.\n// How it is sent.\n\n// Allows `what`.\n// `All` is code'),
  ).toEqual([])
  expect(linesOf(openerRule, 'a.ts', 'run() // Sends.\nstop() // how it stops')).toEqual([2])
})

test('a report gives the share of comments with one of the eight counted openers', () => {
  const share = openerShare([
    sourceFile('a.ts', '// What\n\n// That\n\n/** Sends. */\n\n// as'),
    sourceFile('a.md', 'What'),
  ])
  expect(share).toEqual({ odd: 2, comments: 4 })
  expect(shareText(share)).toContain('2 of 4 comments')
  expect(shareText(share)).toContain('50.0 %')
})

test.each(['that', 'of', 'what', 'who', 'whom', 'where', 'how', 'all', 'those'])(
  'no name of a test begins with "%s"',
  (word) => {
    const texts = [
      `test('${word} it does', () => {})`,
      `test.each([1])('${word} it does %s', () => {})`,
      `describe.skipIf(true)(\`${word} it \${does}\`, () => {})`,
      `it('does ${word} it should', () => {})`,
      `run('${word} it does')`,
    ]
    expect(linesOf(testNameRule, 'test/a.test.ts', texts.join('\n'))).toEqual([1, 2, 3])
  },
)

test('banned words are found in each kind of declared name', () => {
  const text = `
import { a as toldA } from './a.ts'
const keptFiles = 1
function askAgain(wish, { x: heard, ...news }) {}
class Lives { #doubts = 1; keepMs; tell() {} ; constructor(private readonly buriedAt: number) {} }
interface Asked { readonly usual: number; bury(foresee: string): void }
type WhoeverKeeps<Anew> = (hears: number) => void
const row = { keeping: 1, [computed.kept]: 2 }
try {} catch (keeper) {}
interface Call { (doubt: number): [wishes: number] }
export { row as hear }
`
  const words = faults(nameRule, 'a.ts', text).map((fault) => /"(.*)"/.exec(fault)![1])
  expect(words).toEqual([
    ...['told', 'kept', 'ask', 'wish', 'heard', 'news', 'lives', 'doubts', 'keep', 'tell', 'buried', 'asked', 'usual'],
    ...['bury', 'foresee', 'whoever', 'keeps', 'anew', 'hears', 'keeping', 'keeper'],
    ...['doubt', 'wishes', 'hear'],
  ])
})

test('banned words are found in names of files, and once for each name', () => {
  expect(faults(nameRule, 'src/kept-event.ts', 'const keepMs = 1; { const keepMs = 2 }')).toEqual([
    '1: file name with "kept"',
    '1: keepMs: "keep"',
  ])
  expect(faults(nameRule, 'docs/told.md', '')).toEqual(['1: file name with "told"'])
})

test('standard words, uses of names and names of settings are allowed', () => {
  const text = `
const keepAlive = 1, KEEP_ALIVE_MS = 2, journalKeep = 3, live = 4, newest = 5, tellurium = 6
const headers = { 'keep': 1, connection: other.kept, historyKeep: 7 }
told(headers.keep)
`
  expect(faults(nameRule, 'src/keep-alive.ts', text)).toEqual([])
})

test('banned words are found in comments, messages, names of tests and Markdown', () => {
  expect(
    faults(phraseRule, 'src/a.ts', "// Nobody is told\n// of\n// what it kept\nfail('who hears it', `lives`)"),
  ).toEqual([
    '1: "told": Nobody is told',
    '2: "of what": of',
    '3: "kept": what it kept',
    '4: "who hears": who hears it',
  ])
  expect(
    linesOf(phraseRule, 'test/a.test.ts', "test('tells the client', () => {\n  fail('is asked anew')\n})"),
  ).toEqual([1])
  expect(linesOf(phraseRule, 'a.md', '# Doubts\n\n| told |\n\nWhoever asks\n')).toEqual([1, 5])
})

test('banned words between backticks and inside longer words are allowed', () => {
  expect(faults(phraseRule, 'src/a.ts', '// Reads `kept` and the folktells; a `code\n// told` span')).toEqual([])
})

test('a TypeScript file begins with a doc comment', () => {
  expect(linesOf(headerRule, 'src/a.ts', "import 'b'\n\n/** Late. */")).toEqual([1])
  expect(linesOf(headerRule, 'src/a.ts', '/* Plain. */')).toEqual([1])
  expect(linesOf(headerRule, 'src/a.ts', '/** */')).toEqual([1])
  expect(linesOf(headerRule, 'src/a.ts', '/** Starts the service. */')).toEqual([])
  expect(linesOf(headerRule, 'src/a.ts', '#!/usr/bin/env node\n/**\n * Starts the service.\n */')).toEqual([])
  expect(linesOf(headerRule, 'a.md', 'No header.')).toEqual([])
})

test('functions in src have at most 60 lines, and files 300', () => {
  const body = (lines: number) => `const run = () => {\n${'step()\n'.repeat(lines - 2)}}\n`
  expect(faults(functionRule, 'src/a.ts', body(61))).toEqual(['1: 61 lines: const run = () => {'])
  expect(faults(functionRule, 'src/a.ts', `class A {\n  run() {\n${'step()\n'.repeat(60)}}\n}`)).toHaveLength(1)
  expect(faults(functionRule, 'src/a.ts', body(60))).toEqual([])
  expect(faults(functionRule, 'test/a.ts', body(61))).toEqual([])
  expect(faults(fileSizeRule, 'src/a.ts', 'step()\n'.repeat(301))).toEqual(['1: 301 lines'])
  expect(faults(fileSizeRule, 'src/a.ts', 'step()\n'.repeat(300))).toEqual([])
})

test('an exported name has one home; exporting it again is allowed', () => {
  const faultsFound = faultsAmong(homeRule, {
    'src/a.ts': 'export interface Watch {}\nexport const one = 1',
    'src/b.ts': 'type Watch = 1\nexport { type Watch }',
    'src/c.ts': "export { one } from './a.ts'",
    'src/d.ts': "import { one } from './a.ts'\nexport { one }",
    'test/e.ts': 'export const one = 1',
  })
  expect(faultsFound).toEqual(['src/a.ts: Watch: also in src/b.ts', 'src/b.ts: Watch: also in src/a.ts'])
})

test('a room imports only what the table of layers allows, types included', () => {
  const found = faultsAmong(layerRule, {
    'src/kernel/limits/a.ts': "import type { B } from '../../model/b.ts'\nimport './c.ts'",
    'src/model/b.ts': "import { a } from '../kernel/limits/a.ts'\nexport * from '../http/server.ts'",
    'src/nowhere/c.ts': "const c = import('../base/cursor.ts')",
    'src/app/build.ts': "import { server } from '../http/server.ts'",
    'src/runtime/clock.ts': "import { metrics } from './metrics.ts'",
    'test/d.ts': "import '../src/kernel/kernel.ts'",
  })
  expect(found).toEqual([
    'src/kernel/limits/a.ts: kernel may not import model: src/model/b.ts',
    'src/model/b.ts: model may not import http: src/http/server.ts',
    'src/nowhere/c.ts: nowhere may not import base: src/base/cursor.ts',
    'src/runtime/clock.ts: runtime may not import metrics: src/runtime/metrics.ts',
  ])
})

test('a cycle at run time is found in one folder and across folders, a cycle of types only across folders', () => {
  const inOne = { 'src/a/a.ts': "import { b } from './b.ts'", 'src/a/b.ts': "export { a } from './a.ts'" }
  expect(faultsAmong(runtimeCycleRule, inOne)).toHaveLength(2)
  expect(faultsAmong(typeCycleRule, inOne)).toEqual([])

  const across = { 'src/a/a.ts': "import { b } from '../b/b.ts'", 'src/b/b.ts': "import type { A } from '../a/a.ts'" }
  expect(faultsAmong(runtimeCycleRule, across)).toEqual([])
  expect(faultsAmong(typeCycleRule, across)).toEqual([
    'src/a/a.ts: src/b/b.ts: in a cycle of 2 files in several folders',
    'src/b/b.ts: src/a/a.ts: in a cycle of 2 files in several folders',
  ])
  expect(faultsAmong(typeCycleRule, { ...across, 'src/b/b.ts': "type A = import('../a/a.ts').A" })).toHaveLength(2)
})

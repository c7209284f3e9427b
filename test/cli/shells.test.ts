/** Tests the completions in bash, zsh and fish themselves, and the manual page in groff and mandoc. */

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runHere } from '../support/command-line.ts'

const directory = mkdtempSync(join(tmpdir(), 'introspectd-shells-'))
const script = (shell: string) => join(directory, shell)

async function output(program: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(program, args, { timeout: 60_000 })
  expect(stderr).toBe('')
  return stdout
}

beforeAll(async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await runHere(['completion', shell])
    expect(code).toBe(0)
    writeFileSync(script(shell), stdout)
  }
})

afterAll(() => rmSync(directory, { recursive: true }))

/** Typed words, of which the last is completed, and some of the words that are then offered or not offered. */
const cases: readonly [words: string, offered: readonly string[], others: readonly string[]][] = [
  ['introspectd p', ['ps'], ['top', 'serve']],
  ['introspectd ps --so', ['--sort'], ['--name']],
  ['introspectd ps --sort f', ['fds'], ['pid', 'name']],
  ['introspectd top --re', ['--reverse'], ['--port']],
  ['introspectd serve --po', ['--port', '--pools'], ['--sort']],
  ['introspectd --log-l', ['--log-level'], ['--sort']],
  ['introspectd serve --log-level d', ['debug'], ['info']],
  ['introspectd set mem', ['memory', 'memory-free'], ['fds']],
  ['introspectd wait 42 --for d', ['deadlock'], ['exit']],
  ['introspectd completion z', ['zsh'], ['bash']],
]

describe.each(['bash', 'fish'])('%s', (shell) => {
  test.each(cases)('completes %j', async (words, offered, others) => {
    const found = shell === 'bash' ? await bashWords(words) : await fishWords(words)
    expect(found).toEqual(expect.arrayContaining([...offered]))
    for (const other of others) expect(found).not.toContain(other)
  })
})

test('bash completes a value after an equals sign', async () => {
  expect(await bashWords('introspectd ps --sort = f')).toEqual(['fds'])
  expect(await bashWords('introspectd ps --sort =')).toContain('pid')
})

test('bash leaves names of files to itself', async () => {
  expect(await bashWords('introspectd serve --config x')).toEqual([])
  expect(await bashWords('introspectd simulate x')).toEqual([])
})

async function bashWords(words: string): Promise<string[]> {
  const run = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }
_introspectd; printf '%s\\n' "\${COMPREPLY[@]}"`
  return (await output('bash', '-c', run, 'bash', script('bash'), ...words.split(' '))).split('\n').filter(Boolean)
}

async function fishWords(words: string): Promise<string[]> {
  const offered = await output('fish', '-N', '-c', `source ${script('fish')}; complete -C '${words}'`)
  return offered.split('\n').map((line) => line.split('\t')[0]!)
}

// One choice is left, so that zsh types it.
test.each([
  ['introspectd comp', 'introspectd completion '],
  ['introspectd ps --rev', 'introspectd ps --reverse '],
  ['introspectd top --sort=fd', 'introspectd top --sort=fds '],
  ['introspectd set memory-', 'introspectd set memory-free '],
  ['introspectd --log-level=deb', 'introspectd --log-level=debug '],
])('zsh completes %j on a terminal', async (typed, completed) => {
  const run = `zmodload zsh/zpty
export PS1='> ' TERM=dumb
zpty shell zsh -f -i
zpty -w shell 'autoload -U compinit; compinit -D -u; source ${script('zsh')}; print rea""dy'
zpty -r shell seen '*ready*'
zpty -w -n shell '${typed}'$'\\t'
zpty -r shell seen '*${completed}*'
print -r -- "$seen"
zpty -d shell`
  expect(await output('timeout', '30', 'zsh', '-f', '-c', run)).toContain(completed)
})

describe('the manual page', () => {
  const page = new URL('../../docs/reference/introspectd.1', import.meta.url).pathname

  test('has no warnings from groff and mandoc', async () => {
    expect(await output('mandoc', '-T', 'lint', page)).toBe('')
    expect(await output('groff', '-ww', '-man', '-T', 'utf8', page)).toContain('INTROSPECTD(1)')
  })

  test('is the one of the package, and names every command', async () => {
    const { man } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { man: string }
    expect(page.endsWith(man)).toBe(true)
    const text = (await output('mandoc', '-T', 'ascii', page)).replace(/.\x08/g, '')
    for (const name of ['serve', 'ps', 'top', 'wait', 'completion']) expect(text).toContain(`introspectd ${name}`)
    expect(text).toMatch(/EXIT STATUS.*124 +wait: the time of/s)
  })
})

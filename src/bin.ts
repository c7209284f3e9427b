#!/usr/bin/env node
/** The installed command `introspectd`. It checks the version of Node first: an older Node cannot parse the rest. */

import { readFileSync } from 'node:fs'

/** Writes a word for a shell. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  engines: { node: string }
}
const needed = Number(engines.node.replace('>=', ''))
if (Number.parseInt(process.versions.node, 10) < needed) {
  // Works wherever npx is, and with this very package. The first word is the runtime.
  const words = ['npx', '-y', `node@${needed}`, ...process.argv.slice(1)].map(quoted).join(' ')
  process.stderr.write(`introspectd: needs Node ${needed} or newer; this is ${process.versions.node}. Run: ${words}\n`)
  process.exitCode = 1
} else await import('./main.ts')

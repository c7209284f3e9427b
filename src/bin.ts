#!/usr/bin/env node
/** The installed command `introspectd`. It checks the version of Node first: an older Node cannot parse the rest. */

import { readFileSync } from 'node:fs'

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  engines: { node: string }
}
const needed = Number(engines.node.replace('>=', ''))
if (Number.parseInt(process.versions.node, 10) < needed) {
  process.stderr.write(`introspectd: needs Node ${needed} or newer; this is ${process.versions.node}\n`)
  process.exitCode = 1
} else await import('./main.ts')

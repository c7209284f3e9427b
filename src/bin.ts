#!/usr/bin/env node
/** What the package installs as `introspectd`: an older Node could not even read the rest, so its version is looked at first. */

import { readFileSync } from 'node:fs'

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  engines: { node: string }
}
const needed = Number(engines.node.replace('>=', ''))
if (Number.parseInt(process.versions.node, 10) < needed) {
  process.stderr.write(`introspectd: needs Node ${needed} or newer; this is ${process.versions.node}\n`)
  process.exitCode = 1
} else await import('./main.ts')

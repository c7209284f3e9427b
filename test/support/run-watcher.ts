/**
 * Watches a test run from outside: `run-watcher.ts ID`. When standard input ends without a word, the run was killed,
 * and this process ends everything that the run has started.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { endStarted } from './end-leftovers.ts'

/** A worker that is about to end may start another process meanwhile, so the search is repeated. */
const rounds = 8
const pauseMs = 250

const [id = ''] = process.argv.slice(2)
// Ctrl-C reaches every process of the terminal. The run itself decides when it ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

let words = ''
for await (const chunk of process.stdin) words += String(chunk)
for (let round = 0; words === '' && round < rounds; round++) {
  endStarted({ id, spares: () => false })
  await delay(pauseMs)
}

/**
 * The program. It prepares the start before it loads the rest, because that takes most of the time of the start: the
 * supervisor gets a sign of life, and compiled code comes from a cache.
 */

import { environment } from './config/environment.ts'
import { cacheCompiledCode } from './runtime/compile-cache.ts'
import { beginStart } from './runtime/supervised-start.ts'

cacheCompiledCode(environment)
const words = process.argv.slice(2)
const starting = await beginStart(environment, words)
const { runProgram } = await import('./app/program.ts')
await runProgram(words, starting)

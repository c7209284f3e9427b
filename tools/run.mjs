/**
 * Runs a TypeScript file of this project: `node tools/run.mjs FILE ARGUMENT...`. Usually that is the Node which `npm ci`
 * installs. Where it is too old, for example after `npm ci --ignore-scripts`, a newer Node in PATH runs the file, or one
 * line says what to do. So this file must be one that an old Node understands.
 */

import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const needed = Number(engines.node.replace('>=', ''))
const [file, ...words] = process.argv.slice(2)

const isNewEnough = (version) => Number.parseInt(version.replace(/^v/, ''), 10) >= needed

/** The version of a program; empty where there is none, or where it does not run on this system. */
function versionOf(program) {
  try {
    return execFileSync(program, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}

function newerNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  const programs = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, name))
  return programs.find((program) => isNewEnough(versionOf(program)))
}

/** Runs the file by another Node, which gets the signals of this process. */
function runBy(node) {
  const child = spawn(node, [file, ...words], { stdio: 'inherit' })
  // The terminal sends Ctrl-C to the file as well, which counts two at once as one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

if (isNewEnough(process.versions.node)) {
  // Files that other files import as well compare this with their own path.
  const path = realpathSync(file)
  process.argv.splice(1, 2, path)
  await import(pathToFileURL(path).href)
} else {
  const node = newerNode()
  if (node === undefined) {
    process.stderr.write(
      `introspectd: needs Node ${needed} or newer, and this is ${process.versions.node}: run "npm ci" without --ignore-scripts, which installs it, or install Node ${needed}\n`,
    )
    process.exitCode = 1
  } else runBy(node)
}

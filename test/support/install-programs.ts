/**
 * First step of `npm test`: installs the programs that the tests of the given tiers start and this machine lacks,
 * where that is possible.
 * Root on Debian installs them with apt-get. Elsewhere the test run skips the suites that need them, unless CI=true:
 * then a missing program is a failure.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { installLine, type MissingPrograms, missingPrograms, packagesOf, programsOf } from './required-programs.ts'
import { tierOf } from './tiers.ts'

const root = new URL('../../', import.meta.url).pathname

const canInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version')

/** @returns whether apt-get succeeded */
function install(missing: readonly MissingPrograms[]): boolean {
  console.log(`Tests need ${programsOf(missing)}; installing them: ${installLine(missing)}`)
  // Only the errors of apt-get are of interest.
  return apt('update', '-qq') && apt('install', '-y', '-qq', ...packagesOf(missing))
}

function apt(...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status } = spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  return status === 0
}

const chosen = process.argv.slice(2)

/** Rows with a suite in one of the tiers. */
function missingNow(): MissingPrograms[] {
  const isChosen = (suite: string) =>
    globSync(suite, { cwd: root }).some((file) => chosen.length === 0 || chosen.includes(tierOf(file, root)))
  return missingPrograms().filter(({ suites }) => suites.some(isChosen))
}

const missing = missingNow()
if (missing.length > 0 && canInstall && !install(missing)) console.error('apt-get failed.')
const left = missingNow()
if (left.length > 0 && process.env.CI === 'true') {
  console.error(`Tests need ${programsOf(left)}, and CI=true allows no skipped suites: ${installLine(left)}`)
  process.exitCode = 1
}

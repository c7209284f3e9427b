/**
 * First step of `npm test`: installs the programs that tests start and this machine lacks, where that is possible.
 * Root on Debian installs them with apt-get. Elsewhere the test run skips the suites that need them, unless CI=true,
 * which makes a missing program a failure.
 */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { installLine, missingPrograms, packagesOf, type RequiredProgram } from './required-programs.ts'

const canInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version')

const namesOf = (missing: readonly RequiredProgram[]): string => missing.map(({ program }) => program).join(', ')

/** @returns whether apt-get succeeded */
function install(missing: readonly RequiredProgram[]): boolean {
  console.log(`installing the missing programs ${namesOf(missing)}: ${installLine(missing)}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Output of a success is noise; errors stay visible.
  const apt = (...args: string[]) =>
    spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
  return apt('update', '-qq') && apt('install', '-y', '-qq', '--no-install-recommends', ...packagesOf(missing))
}

const missing = missingPrograms()
if (missing.length > 0) {
  if (canInstall && !install(missing)) console.error('apt-get failed')
  const left = missingPrograms()
  if (left.length > 0) {
    console.error(`missing programs: ${namesOf(left)}; to install them: ${installLine(left)}`)
    if (process.env.CI === 'true') process.exitCode = 1
  }
}

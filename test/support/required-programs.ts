/**
 * The programs that tests start, the Debian package of each, and the test files that cannot run without it.
 * A test file that starts another program gets its row here; everything else reads this table.
 */

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface RequiredProgram {
  readonly program: string
  /** Debian packages, separated by spaces, as `apt-get install` takes them. */
  readonly packages: string
  /** Globs of test files, relative to the root of the project. */
  readonly suites: readonly string[]
}

export const requiredPrograms: readonly RequiredProgram[] = [
  { program: 'stress-ng', packages: 'stress-ng', suites: ['test/live/fallbacks.test.ts'] },
  { program: 'prometheus', packages: 'prometheus', suites: ['test/live/prometheus.test.ts'] },
  {
    program: 'promtool',
    packages: 'prometheus',
    suites: ['test/live/prometheus.test.ts', 'test/http/metrics.test.ts'],
  },
  { program: 'chromium', packages: 'chromium', suites: ['test/client/browser.test.ts'] },
]

/** Rows whose program is in no directory of `path`. */
export function missingPrograms(path: string | undefined = process.env.PATH): RequiredProgram[] {
  const directories = (path ?? '').split(delimiter)
  return requiredPrograms.filter(
    ({ program }) => !directories.some((directory) => isExecutable(join(directory, program))),
  )
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The one line that installs what these rows need. */
export function installLine(missing: readonly RequiredProgram[]): string {
  return `apt-get install -y ${packagesOf(missing).join(' ')}`
}

export function packagesOf(missing: readonly RequiredProgram[]): string[] {
  return [...new Set(missing.flatMap(({ packages }) => packages.split(' ')))].sort()
}

/**
 * Installs npm packages that are too large for this project's own dependencies into a directory of the user's cache,
 * once for each set of versions.
 */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'introspectd-tests')

/**
 * Returns the directory whose `node_modules` has the packages; null where the registry cannot be reached. With
 * `CI=true` that is an error, as a missing program is.
 */
export function cachedPackages(versions: Readonly<Record<string, string>>): string | null {
  const key = createHash('sha256').update(JSON.stringify(versions)).digest('hex').slice(0, 16)
  const directory = join(cache, key)
  if (existsSync(directory)) return directory
  mkdirSync(cache, { recursive: true })
  const fresh = mkdtempSync(join(cache, 'new-'))
  writeFileSync(join(fresh, 'package.json'), JSON.stringify({ private: true, dependencies: versions }))
  try {
    // Their install scripts are not run: no package here needs one.
    const options = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']
    execFileSync('npm', options, { cwd: fresh, stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 })
    renameSync(fresh, directory)
    return directory
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    // Another run has installed the same packages meanwhile.
    if (existsSync(directory)) return directory
    if (process.env.CI === 'true') throw error
    console.warn(`Skipped, because npm could not install ${Object.keys(versions).join(', ')}: ${error}`)
    return null
  }
}

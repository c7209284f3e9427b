/**
 * `npm run release -- DIRECTORY`: makes the files of a release: the npm package, a Debian package, a list of the
 * libraries in it (SBOM), and the checksums of these. With `--draft` the changelog need not have the version yet. With
 * `--with-node` the Debian package contains this Node, for systems that have no Node 24.
 */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { buildDeb } from './deb.ts'

const root = new URL('../../', import.meta.url).pathname
const options = process.argv.slice(2).filter((word) => word.startsWith('--'))
const [directory] = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const unknown = options.filter((option) => !['--draft', '--with-node'].includes(option))
if (directory === undefined || unknown.length > 0) {
  console.error('usage: npm run release -- DIRECTORY [--draft] [--with-node]')
  process.exit(2)
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
if (!options.includes('--draft') && !changelog.includes(`\n## ${version} `)) {
  console.error(`CHANGELOG.md has no section "## ${version} (DATE)"`)
  process.exit(1)
}

const out = resolve(directory)
mkdirSync(out, { recursive: true })
const work = mkdtempSync(join(tmpdir(), 'introspectd-release-'))
try {
  const files = release()
  const sums = files.map(
    (file) =>
      `${createHash('sha256')
        .update(readFileSync(join(out, file)))
        .digest('hex')}  ${file}`,
  )
  writeFileSync(join(out, 'SHA256SUMS'), `${sums.join('\n')}\n`)
  for (const line of sums) console.log(line)
} finally {
  rmSync(work, { recursive: true })
}

function release(): string[] {
  const packed = npm(root, ['pack', '--json', '--pack-destination', out])
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[\n'))) as [{ filename: string }]
  // Its name is that of the service, because `npm sbom` takes the name from the directory.
  const stage = join(work, 'introspectd')
  mkdirSync(stage)
  execFileSync('tar', ['--extract', '--strip-components=1', '--file', join(out, filename), '--directory', stage])
  // The package has no lockfile, and the release has exactly the versions that were tested.
  cpSync(join(root, 'package-lock.json'), join(stage, 'package-lock.json'))
  npm(stage, ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'])
  // Development tools are not installed, and `npm sbom` would call them missing.
  const manifest = JSON.parse(readFileSync(join(stage, 'package.json'), 'utf8')) as object
  writeFileSync(join(stage, 'package.json'), JSON.stringify({ ...manifest, devDependencies: undefined }, null, 2))
  const sbom = `introspectd-${version}.cdx.json`
  writeFileSync(join(out, sbom), npm(stage, ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev']))
  const node = options.includes('--with-node') ? process.execPath : null
  return [filename, sbom, buildDeb({ stage, root: join(work, 'deb'), out, version, node })]
}

function npm(cwd: string, args: readonly string[]): string {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
  return execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

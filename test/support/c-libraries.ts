/**
 * Fetches other versions of glibc from Debian's packages, and links the programs of `test/programs` with one of them.
 * Such a program is started by the loader of that version, so everything in it is as on that release of Debian.
 */

import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const build = new URL('../.build/glibc/', import.meta.url).pathname
const sources = new URL('../programs/', import.meta.url).pathname
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
const mirror = 'http://deb.debian.org/debian'
const aptMsMax = 60_000

/** Releases of Debian by name. */
export type Release = 'bullseye' | 'trixie' | 'sid'

export interface CLibrary {
  readonly version: string
  /** Links a program of `test/programs` with this library; returns its path. */
  readonly compile: (name: string) => string
}

/** The C library of a release, downloaded once. A string is the reason why it cannot be had on this machine. */
export function libraryOf(release: Release): CLibrary | string {
  if (process.arch !== 'x64') return `packages for ${process.arch} are not fetched`
  const directory = join(build, release)
  try {
    if (!existsSync(directory)) fetchInto(directory, release)
  } catch (error) {
    return `libc6 of ${release}: ${error instanceof Error ? error.message : String(error)}`
  }
  const [libc] = globSync('{lib,usr/lib}/x86_64-linux-gnu/libc.so.6', { cwd: directory })
  if (libc === undefined) return `libc6 of ${release} has no libc.so.6`
  const [version = 'unknown'] = readdirSync(directory).flatMap((name) => /^version-(.*)$/.exec(name)?.[1] ?? [])
  return { version, compile: (name) => link(name, directory, dirname(join(directory, libc))) }
}

/** Uses apt's own client, with lists and caches apart from those of the machine. */
function fetchInto(directory: string, release: Release): void {
  const unfinished = `${directory}.${process.pid}`
  for (const part of ['lists/partial', 'cache/archives/partial', 'root'])
    mkdirSync(join(unfinished, part), { recursive: true })
  const list = join(unfinished, 'sources.list')
  writeFileSync(list, `deb [signed-by=${keyring}] ${mirror} ${release} main\n`)
  const options = [
    `Dir::Etc::sourcelist=${list}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(unfinished, 'lists')}`,
    'Dir::State::status=/dev/null',
    `Dir::Cache=${join(unfinished, 'cache')}`,
    'APT::Architecture=amd64',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option])
  try {
    const apt = (...args: string[]) =>
      execFileSync('apt-get', [...options, ...args], { cwd: unfinished, stdio: 'pipe', timeout: aptMsMax })
    apt('update')
    apt('download', 'libc6')
    const [file = ''] = globSync('libc6_*.deb', { cwd: unfinished })
    execFileSync('dpkg-deb', ['-x', file, 'root'], { cwd: unfinished, stdio: 'pipe' })
    writeFileSync(join(unfinished, 'root', `version-${basename(file).split('_')[1]}`), '')
    renameSync(join(unfinished, 'root'), directory)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

function link(name: string, directory: string, libraries: string): string {
  const program = join(directory, 'programs', name)
  mkdirSync(dirname(program), { recursive: true })
  const gcc = (...args: string[]) => execFileSync('gcc', args, { encoding: 'latin1' }).trim()
  const startFile = (file: string) => gcc(`-print-file-name=${file}`)
  const object = `${program}.o`
  gcc('-O0', '-fno-pie', '-pthread', '-c', '-o', object, join(sources, `${name}.c`))
  const loader = join(libraries, 'ld-linux-x86-64.so.2')
  // Up to glibc 2.33, threads were in a library of their own.
  const shared = ['libc.so.6', 'libpthread.so.0']
    .map((file) => join(libraries, file))
    .filter((file) => existsSync(file))
  const [before, after] = [['crt1.o', 'crti.o', 'crtbegin.o'].map(startFile), ['crtend.o', 'crtn.o'].map(startFile)]
  gcc(
    ...['-nostdlib', '-no-pie', '-o', program, ...before, object],
    ...['-Wl,--no-as-needed', ...shared, startFile('libgcc.a'), loader, ...after],
    ...[`-Wl,--dynamic-linker=${loader}`, `-Wl,-rpath,${libraries}`],
  )
  return program
}

/**
 * Deadlocks of programs whose files are not where they were: replaced by an update, deleted, or in another root. The
 * service starts after that, so it has not seen the files, and has the capabilities of the systemd unit only.
 */

import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { capabilitiesOfUnit, nobodyWith } from '../support/nobody-with.ts'
import { type Compiler, type Program, start } from '../support/programs.ts'

const libraries = ['/lib/x86_64-linux-gnu/libc.so.6', '/lib64/ld-linux-x86-64.so.2']
const places = ['replaced', 'deleted', 'chroot', 'overlay', 'pivot'] as const
type Place = (typeof places)[number]

const directory = mkdtempSync(join(tmpdir(), 'replaced-files-'))
const programs = new Map<Place, Program>()
let live: Live

/** A directory with the C library and an empty mount point. */
function rootAt(name: string): string {
  const root = join(directory, name)
  for (const file of libraries) {
    mkdirSync(join(root, file, '..'), { recursive: true })
    copyFileSync(file, join(root, file))
  }
  mkdirSync(join(root, 'mnt'))
  return root
}

/** Runs a ring of mutexes by a shell script, in which `$0` is the program and `$@` are its arguments. */
async function begin(place: Place, script: string, compiler: Compiler = 'gcc'): Promise<void> {
  const under = ['unshare', '--mount', 'sh', '-ec', script]
  programs.set(place, await start('locks', ['ring', 'normal', 2], { under, compiler }))
}

const overlay = (root: string) =>
  ['mount -t tmpfs none mnt', 'mkdir mnt/upper mnt/work mnt/root'].join(' && ') +
  ` && mount -t overlay none -o lowerdir=${root},upperdir=mnt/upper,workdir=mnt/work,xino=on mnt/root`

beforeAll(async () => {
  const [libc, loader] = libraries
  const replaced = rootAt('replaced')
  await begin('replaced', `exec ${replaced}${loader} --library-path ${join(replaced, libc!, '..')} "$0" "$@"`)
  copyFileSync(libc!, join(replaced, 'new'))
  renameSync(join(replaced, 'new'), join(replaced, libc!))
  expect(statSync(join(replaced, libc!)).nlink).toBe(1)

  const deleted = join(directory, 'program')
  await begin('deleted', `cp "$0" ${deleted} && exec ${deleted} "$@"`, 'gcc-static')
  rmSync(deleted)

  const root = rootAt('root')
  const enter = (at: string) => `cp "$0" ${at}/program && exec chroot ${at} /program "$@"`
  await begin('chroot', enter(root))
  await begin('overlay', `cd ${root} && ${overlay(root)} && ${enter('mnt/root')}`)
  const pivot = `mount --bind ${root} ${root} && cp "$0" ${root}/other && cd ${root} && pivot_root . mnt`
  await begin('pivot', `${pivot} && exec /other "$@"`)
  live = await Live.start([], { under: nobodyWith(capabilitiesOfUnit) })
})

afterAll(async () => {
  for (const program of programs.values()) await program.stop()
  await live?.stop()
  rmSync(directory, { recursive: true })
})

interface Entry {
  readonly kind: string
  readonly members: readonly { readonly path: string }[]
}

test.each([
  ['a C library that was replaced', 'replaced'],
  ['a program with a built-in C library that was deleted', 'deleted'],
  ['a C library under another root', 'chroot'],
  ['a C library in an overlay with inode numbers of its own', 'overlay'],
  ['a C library under a root of another mount namespace', 'pivot'],
] as const)('a deadlock in %s is detected', async (_, place) => {
  const prefix = `/sys/proc/${programs.get(place)!.pid}/thread/`
  const own = (entries: unknown) =>
    (entries as readonly Entry[] | undefined)?.find(({ members }) => members[0]?.path.startsWith(prefix))
  const { entries } = await live.until('/sys/deadlocks', ({ entries }) => own(entries) !== undefined)
  expect(own(entries)).toMatchObject({ kind: 'detected' })
  expect(own(entries)).not.toHaveProperty('reason')
})

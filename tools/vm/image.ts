/** Builds the disk of the machine: Debian from its packages, Node, the packed product, and the checks. */

import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile } from '../../test/support/programs.ts'

export interface Disk {
  readonly kernel: string
  readonly initrd: string
  readonly image: string
}

const packages = [
  'linux-image-amd64',
  'initramfs-tools',
  'systemd',
  'systemd-sysv',
  'udev',
  'dbus',
  'iproute2',
  'nfs-kernel-server',
]
const programs = ['fd-hog', 'recursion', 'locks', 'hog-memory'] as const
const root = new URL('../../', import.meta.url).pathname
const guest = new URL('guest/', import.meta.url).pathname
const imageBytes = '3G'
/** The packages that this machine installs from, so that the image comes from the same mirror. */
const sources = '/etc/apt/sources.list.d/debian.sources'

/** The files stay in a directory of the system's temporary one, and Debian itself is used again by the next run. */
export async function buildDisk(suite: string, log: (text: string) => void): Promise<Disk> {
  const directory = join(tmpdir(), 'introspectd-vm')
  mkdirSync(directory, { recursive: true })
  const base = join(directory, `${suite}.tar`)
  // By the end of the name mmdebstrap knows that a tar file is wanted.
  const part = join(directory, `${suite}.part.tar`)
  if (!existsSync(base)) {
    log(`building Debian ${suite} from packages`)
    const options = ['--variant=minbase', `--include=${packages.join(',')}`]
    run('mmdebstrap', [...options, suite, part, ...sourcesOf(suite, directory)])
    run('mv', [part, base])
  }
  const tree = mkdtempSync(join(directory, 'tree-'))
  try {
    log('installing Node, the product and the checks')
    run('tar', ['-xf', base, '-C', tree])
    installProduct(tree, directory)
    installChecks(tree)
    const boot = readdirSync(join(tree, 'boot'))
    const [kernel, initrd] = ['vmlinuz', 'initrd.img'].map((name) => {
      const file = boot.find((entry) => entry.startsWith(`${name}-`))
      if (file === undefined) throw new Error(`the image has no /boot/${name}-*`)
      cpSync(join(tree, 'boot', file), join(directory, name))
      return join(directory, name)
    })
    const image = join(directory, 'disk.ext4')
    rmSync(image, { force: true })
    run('mke2fs', ['-q', '-t', 'ext4', '-d', tree, image, imageBytes])
    return { kernel: kernel!, initrd: initrd!, image }
  } finally {
    rmSync(tree, { recursive: true, force: true })
  }
}

/** The lists of packages of this machine, for another Debian. Without them mmdebstrap takes its own mirror. */
function sourcesOf(suite: string, directory: string): string[] {
  if (!existsSync(sources)) return []
  const file = join(directory, `${suite}.sources`)
  const text = readFileSync(sources, 'utf8')
  writeFileSync(
    file,
    text.replaceAll(/^Suites: ([a-z]+)/gm, `Suites: ${suite}`).replaceAll(/ [a-z]+-updates$/gm, ` ${suite}-updates`),
  )
  return [file]
}

/** Follows the section about systemd in docs/deployment.md. Its own Node comes from the npm package. */
function installProduct(tree: string, directory: string): void {
  cpSync(join(root, 'node_modules/node/bin/node'), join(tree, 'usr/local/bin/node'), { dereference: true })
  run('npm', ['pack', '--silent', '--pack-destination', directory], root)
  const file = readdirSync(directory).find((entry) => /^introspectd-.*\.tgz$/.test(entry))
  if (file === undefined) throw new Error('npm pack made no package')
  run('npm', ['install', '--silent', '--global', '--prefix', join(tree, 'usr/local'), join(directory, file)])
  const unit = join(tree, 'usr/local/lib/node_modules/introspectd/deploy/introspectd.service')
  cpSync(unit, join(tree, 'etc/systemd/system/introspectd.service'))
  enable(tree, 'introspectd')
}

function installChecks(tree: string): void {
  const target = join(tree, 'opt/checks')
  mkdirSync(join(target, 'node_modules'), { recursive: true })
  symlinkSync('/usr/local/lib/node_modules/introspectd', join(target, 'node_modules/introspectd'))
  cpSync(guest, target, { recursive: true })
  writeFileSync(join(target, 'package.json'), '{"type":"module"}\n')
  for (const program of programs) cpSync(compile(program), join(target, program))
  for (const unit of ['checks', 'subject']) {
    cpSync(join(guest, `${unit}.service`), join(tree, `etc/systemd/system/${unit}.service`))
  }
  enable(tree, 'checks')
  writeFileSync(join(tree, 'etc/hostname'), 'ordinary\n')
  writeFileSync(join(tree, 'etc/fstab'), '/dev/vda / ext4 defaults 0 1\n')
}

function enable(tree: string, unit: string): void {
  const wants = join(tree, 'etc/systemd/system/multi-user.target.wants')
  mkdirSync(wants, { recursive: true })
  symlinkSync(`/etc/systemd/system/${unit}.service`, join(wants, `${unit}.service`))
}

function run(command: string, args: readonly string[], cwd: string = root): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
}

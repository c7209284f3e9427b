/** Builds the Debian package from the installed npm package, with dpkg-deb. */

import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface DebParts {
  /** Directory of the npm package with its libraries. */
  readonly stage: string
  /** Directory for the file system of the package; it does not exist yet. */
  readonly root: string
  readonly out: string
  readonly version: string
  /** A Node that the package contains; null: it depends on one. */
  readonly node: string | null
}

const architectures: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'armhf',
  riscv64: 'riscv64',
}

const scripts = new URL('debian/', import.meta.url).pathname
const program = 'usr/lib/introspectd'
const documents = 'usr/share/doc/introspectd'

/** @returns the name of the package file in `out` */
export function buildDeb({ stage, root, out, version, node }: DebParts): string {
  const architecture = architectures[process.arch]
  if (architecture === undefined) throw new Error(`Debian has no architecture for ${process.arch}`)
  for (const directory of [program, documents, 'usr/bin', 'usr/lib/systemd/system', 'etc/default', 'DEBIAN'])
    mkdirSync(join(root, directory), { recursive: true })

  const [served, read] = [
    ['dist', 'node_modules', 'package.json', 'scenarios'],
    ['docs', 'examples', 'deploy', 'openapi.yaml', 'asyncapi.yaml', 'README.md', 'CHANGELOG.md', 'SECURITY.md'],
  ]
  for (const name of served!) renameSync(join(stage, name), join(root, program, name))
  for (const name of read!) cpSync(join(stage, name), join(root, documents, name), { recursive: true })
  cpSync(join(stage, 'LICENSE'), join(root, documents, 'copyright'))
  rmSync(join(root, program, 'node_modules/.package-lock.json'))
  if (node !== null) cpSync(node, join(root, program, 'node'), { dereference: true })

  cpSync(join(scripts, 'introspectd'), join(root, 'usr/bin/introspectd'))
  cpSync(join(scripts, 'default'), join(root, 'etc/default/introspectd'))
  cpSync(join(stage, 'deploy/introspectd.service'), join(root, 'usr/lib/systemd/system/introspectd.service'))
  for (const name of ['postinst', 'prerm', 'postrm']) cpSync(join(scripts, name), join(root, 'DEBIAN', name))
  writeFileSync(join(root, 'DEBIAN/conffiles'), '/etc/default/introspectd\n')
  const size = execFileSync('du', ['--summarize', '--block-size=1K', join(root, 'usr')], { encoding: 'utf8' })
  writeFileSync(join(root, 'DEBIAN/control'), control({ version, architecture, size: Number.parseInt(size, 10), node }))

  setModes(root)
  const name = `introspectd_${version}_${architecture}.deb`
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', root, join(out, name)], { stdio: 'pipe' })
  return name
}

interface Control {
  readonly version: string
  readonly architecture: string
  /** In KiB. */
  readonly size: number
  readonly node: string | null
}

function control({ version, architecture, size, node }: Control): string {
  return `Package: introspectd
Version: ${version}
Architecture: ${architecture}
Maintainer: The introspectd authors <root@localhost>
Section: admin
Priority: optional
Installed-Size: ${size}
Depends: libc6${node === null ? ', nodejs (>= 24)' : ', libstdc++6'}
Description: Thresholds and events on the processes and threads of a machine
 introspectd shows a Linux machine as a tree of URLs: processes, threads,
 partitions (cgroups) and their limits. Clients set thresholds on any limit, and
 get events over WebSockets and server-sent events when one is crossed, when
 threads are deadlocked, and when processes are born and die.
`
}

/** The same modes whatever the umask was: programs can be executed, all can be read. */
function setModes(root: string): void {
  const programs = ['usr/bin/introspectd', `${program}/node`, 'DEBIAN/postinst', 'DEBIAN/prerm', 'DEBIAN/postrm']
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const isProgram = entry.isDirectory() || programs.includes(path.slice(root.length + 1))
    if (!entry.isSymbolicLink()) chmodSync(path, isProgram ? 0o755 : 0o644)
  }
  chmodSync(root, 0o755)
}

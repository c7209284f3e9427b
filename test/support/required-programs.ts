/**
 * The programs that tests start, the Debian package of each, and the test files that cannot run without it.
 * A test file that starts another program gets its row here; everything else reads this table.
 */

import { accessSync, constants, existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface RequiredPrograms {
  readonly programs: readonly string[]
  /** Files that the suites need besides programs, such as libraries. */
  readonly files?: readonly string[]
  /** Debian packages that contain the programs and files. */
  readonly packages: readonly string[]
  /** Globs of test files, relative to the root of the project. */
  readonly suites: readonly string[]
}

export const requiredPrograms: readonly RequiredPrograms[] = [
  {
    programs: ['gcc'],
    packages: ['gcc', 'libc6-dev'],
    suites: [
      'test/cli/{commands,top,watch}.test.ts',
      'test/client/service.test.ts',
      'test/faults/{clock,descriptors,event-loop}.test.ts',
      'test/journal/definitions.test.ts',
      'test/live/*.test.ts',
      'test/package.test.ts',
      'test/runtime/supervisor.test.ts',
      'test/sources/linux/{locks/*,processes/connector-worker,scan/{scan-as-other,scan-worker}}.test.ts',
    ],
  },
  {
    programs: ['unshare', 'nsenter', 'setpriv', 'prlimit', 'findmnt'],
    packages: ['util-linux'],
    suites: [
      'test/deploy/systemd.test.ts',
      'test/faults/descriptors.test.ts',
      'test/live/{actions,capabilities,commands,deadlocks,fallbacks,half-open,hardening,hidden-processes,outside-numbers,sockets}.test.ts',
      'test/live/replaced-files.test.ts',
      'test/package.test.ts',
      'test/sources/linux/{locks/lock-watch,native/proc-files}.test.ts',
    ],
  },
  {
    programs: ['ps', 'pgrep', 'pkill'],
    packages: ['procps'],
    suites: ['test/deploy/systemd.test.ts', 'test/live/{fallbacks,main-job,prometheus}.test.ts'],
  },
  {
    programs: ['python3'],
    packages: ['python3'],
    suites: [
      'test/examples.test.ts',
      'test/cli/{top,watch}.test.ts',
      'test/live/{deadlocks,flock}.test.ts',
      'test/sources/linux/locks/lock-watch.test.ts',
    ],
  },
  {
    programs: ['curl'],
    packages: ['curl'],
    suites: [
      'test/examples.test.ts',
      'test/app/start.test.ts',
      'test/docs.test.ts',
      'test/live/{flock,half-open,main-job}.test.ts',
      'test/meeting.test.ts',
    ],
  },
  {
    programs: ['zsh', 'fish', 'groff', 'mandoc'],
    packages: ['zsh', 'fish', 'groff', 'mandoc'],
    suites: ['test/cli/shells.test.ts'],
  },
  { programs: ['ip', 'iptables'], packages: ['iproute2', 'iptables'], suites: ['test/live/half-open.test.ts'] },
  {
    programs: ['apt-get', 'dpkg-deb'],
    packages: ['apt', 'dpkg'],
    suites: ['test/{deploy/release,live/c-libraries}.test.ts'],
  },
  { programs: ['jq'], packages: ['jq'], suites: ['test/examples.test.ts', 'test/live/flock.test.ts'] },
  {
    programs: ['openssl'],
    packages: ['openssl'],
    suites: ['test/app/listening.test.ts', 'test/http/tls.test.ts', 'test/live/access.test.ts'],
  },
  { programs: ['systemd-analyze'], packages: ['systemd'], suites: ['test/deploy/systemd.test.ts'] },
  { programs: ['stress-ng'], packages: ['stress-ng'], suites: ['test/live/stress.test.ts'] },
  {
    programs: ['prometheus', 'promtool'],
    packages: ['prometheus'],
    suites: ['test/live/prometheus.test.ts', 'test/http/metrics-format.test.ts'],
  },
  {
    programs: ['prometheus-alertmanager'],
    packages: ['prometheus-alertmanager'],
    suites: ['test/reactions/alertmanager.test.ts'],
  },
  { programs: ['systemd-socket-activate'], packages: ['systemd'], suites: ['test/deploy/socket-activation.test.ts'] },
  { programs: ['haproxy'], packages: ['haproxy'], suites: ['test/deploy/{haproxy,proxies}.test.ts'] },
  { programs: ['nginx', 'caddy'], packages: ['nginx', 'caddy'], suites: ['test/deploy/proxies.test.ts'] },
  {
    programs: ['go', 'java', 'javac'],
    files: [
      '/usr/lib/python3/dist-packages/pydantic',
      '/usr/lib/python3/dist-packages/dateutil',
      '/usr/lib/python3/dist-packages/urllib3',
      '/usr/share/java/jackson-databind.jar',
      '/usr/share/java/jsr305.jar',
      '/usr/share/java/geronimo-annotation-1.3-spec.jar',
    ],
    packages: [
      'golang-go',
      'default-jdk-headless',
      'python3-pydantic',
      'python3-dateutil',
      'python3-urllib3',
      'libjackson2-databind-java',
      'libjsr305-java',
      'libgeronimo-annotation-1.3-spec-java',
    ],
    suites: ['test/client/generated/openapi-generator.test.ts'],
  },
  { programs: ['chromium'], packages: ['chromium'], suites: ['test/client/browser.test.ts'] },
]

/** A row with those of its programs that are in no directory of PATH, and those of its files that do not exist. */
export type MissingPrograms = RequiredPrograms

export function missingPrograms(path: string = process.env.PATH ?? ''): MissingPrograms[] {
  return requiredPrograms
    .map((row) => ({
      ...row,
      programs: row.programs.filter((program) => !isInstalled(program, path)),
      files: (row.files ?? []).filter((file) => !existsSync(file)),
    }))
    .filter(({ programs, files }) => programs.length + files.length > 0)
}

/** Whether a directory of PATH contains the program. */
export function isInstalled(program: string, path: string = process.env.PATH ?? ''): boolean {
  return path.split(delimiter).some((directory) => isExecutable(join(directory, program)))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export interface SkippedSuite {
  /** Path of the test file, relative to the root of the project. */
  readonly file: string
  readonly missing: readonly MissingPrograms[]
}

/** Returns the test files that cannot run, without duplicates. */
export function skippedSuites(missing: readonly MissingPrograms[], root: string): SkippedSuite[] {
  const files = new Map<string, MissingPrograms[]>()
  for (const row of missing) {
    for (const file of globSync([...row.suites], { cwd: root })) files.set(file, [...(files.get(file) ?? []), row])
  }
  return [...files]
    .map(([file, rows]) => ({ file, missing: rows }))
    .sort((one, other) => (one.file < other.file ? -1 : 1))
}

/** The command that installs the packages of these rows. */
export const installLine = (missing: readonly MissingPrograms[]): string =>
  `apt-get install -y ${packagesOf(missing).join(' ')}`

export const packagesOf = (missing: readonly MissingPrograms[]): string[] =>
  [...new Set(missing.flatMap(({ packages }) => packages))].sort()

export const programsOf = (missing: readonly MissingPrograms[]): string =>
  missing.flatMap(({ programs, files = [] }) => [...programs, ...files]).join(', ')

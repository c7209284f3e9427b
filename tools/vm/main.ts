/**
 * Boots an ordinary Debian with systemd and cgroup v2 in QEMU, installs the packed product there as
 * docs/deployment.md says, and checks it: `npm run vm [-- --suite bookworm]`. It needs root, and takes about ten
 * minutes without KVM. The result goes to standard output and to docs/reference/machine-SUITE.md.
 */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { installLine, isInstalled } from '../../test/support/required-programs.ts'
import { buildDisk } from './image.ts'
import { runMachine } from './machine.ts'
import { isComplete, reportOf } from './report.ts'

const required = [
  { programs: ['mmdebstrap'], packages: ['mmdebstrap'], suites: [] },
  { programs: ['qemu-system-x86_64'], packages: ['qemu-system-x86'], suites: [] },
  { programs: ['mke2fs'], packages: ['e2fsprogs'], suites: [] },
  { programs: ['gcc'], packages: ['gcc', 'libc6-dev'], suites: [] },
]
const reference = new URL('../../docs/reference/', import.meta.url)
// Twice what it takes here without KVM.
const runMsMax = 15 * 60_000

const { values } = parseArgs({ options: { suite: { type: 'string', default: 'bookworm' } } })

const missing = required.filter(({ programs }) => !programs.every((program) => isInstalled(program)))
if (missing.length > 0) fail(`programs are missing: ${installLine(missing)}`)
if (process.getuid?.() !== 0) fail('it needs root to build the image')

const begun = performance.now()
const disk = await buildDisk(values.suite, log)
const lines = await runMachine({ ...disk, msMax: runMsMax, log })
const report = reportOf(lines, { suite: values.suite, minutes: (performance.now() - begun) / 60_000 })
process.stdout.write(report)
if (!isComplete(lines)) fail('a check failed, or the machine did not reach the end')
writeFileSync(new URL(`machine-${values.suite}.md`, reference), report)

function log(text: string): void {
  process.stderr.write(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${text}\n`)
}

function fail(text: string): never {
  process.stderr.write(`vm: ${text}\n`)
  process.exit(1)
}

/**
 * Checks introspectd on this machine, before and after a reboot, and writes the results to the second serial port. The
 * second boot finds the file of the phase.
 */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Client } from 'introspectd/client'
import { type Check, checksAfterReboot, checksBeforeReboot } from './list.ts'
import type { ResultLine } from './result-line.ts'

const port = '/dev/ttyS1'
const phaseFile = '/opt/checks/rebooted'
const isRebooted = existsSync(phaseFile)
const client = new Client('http://127.0.0.1:7007', { timeoutMs: 60_000 })

function write({ outcome, what, detail }: ResultLine): void {
  const fields = [outcome, what, detail].map((field) => field.replace(/\s+/g, ' '))
  writeFileSync(port, `${fields.join('\t')}\n`)
}

async function run([what, check]: Check): Promise<void> {
  try {
    write({ outcome: 'passed', what, detail: await check(client) })
  } catch (error) {
    write({ outcome: 'failed', what, detail: error instanceof Error ? error.message : String(error) })
  }
}

function facts(): ResultLine[] {
  const first = (command: string, ...args: string[]) =>
    execFileSync(command, args, { encoding: 'utf8' }).split('\n')[0] ?? ''
  const file = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').trim() : 'none')
  return [
    ['Debian', file('/etc/debian_version')],
    ['kernel', first('uname', '-r')],
    ['systemd', first('systemctl', '--version')],
    ['C library', first('ldd', '--version')],
    ['controllers of cgroup v2', file('/sys/fs/cgroup/cgroup.controllers')],
    ['transparent huge pages', file('/sys/kernel/mm/transparent_hugepage/enabled')],
    ['Node', process.version],
  ].map(([what, detail]) => ({ outcome: 'fact', what: what!, detail: detail! }))
}

if (!isRebooted) for (const fact of facts()) write(fact)
for (const check of isRebooted ? checksAfterReboot : checksBeforeReboot) await run(check)
if (isRebooted) {
  write({ outcome: 'passed', what: 'the end of the checks', detail: '' })
  execFileSync('systemctl', ['poweroff'])
} else {
  writeFileSync(phaseFile, '')
  execFileSync('systemctl', ['reboot'])
}

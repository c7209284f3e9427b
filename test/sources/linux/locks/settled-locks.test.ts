/** What those at rest cost to watch: the scan in this very thread, its readings counted. */

import { afterAll, expect, test } from 'vitest'
import { type ProcFile, ProcFiles } from '../../../../src/sources/linux/native/proc-files.ts'
import { locksBit } from '../../../../src/sources/linux/protocol.ts'
import { detectKernelFeatures } from '../../../../src/sources/linux/scan/kernel-features.ts'
import { ReportBuilder } from '../../../../src/sources/linux/scan/report-builder.ts'
import { Scanner } from '../../../../src/sources/linux/scan/scanner.ts'
import { start } from '../../../support/programs.ts'

class CountedFiles extends ProcFiles {
  readonly readings: string[] = []

  override readFrom(file: ProcFile, position: number, bytes: number, armed: boolean, keepFrom: number): number {
    this.readings.push(file.path)
    return super.readFrom(file, position, bytes, armed, keepFrom)
  }
}

const procRoot = '/proc'
const files = new CountedFiles()
const report = new ReportBuilder()
const degrading = { degraded: () => {}, recovered: () => {} }
const abilities = detectKernelFeatures(procRoot, '/sys/fs/cgroup')
const scanner = new Scanner({ procRoot, files, report, abilities, degrading })

afterAll(() => {
  scanner.close()
  files.closeAll()
})

const ofReading = (pid: number) => [
  ...new Set(files.readings.filter((path) => path.startsWith(`/proc/${pid}/`)).map((path) => path.split('/').at(-1))),
]

test('of a deadlock at rest nothing is read again but whether its threads ran', async () => {
  const program = await start('locks', ['ring', 'normal', 10])
  const pass = () => {
    files.readings.length = 0
    scanner.scanFull(Date.now())
    const { waits } = report.finish({ kind: 'full', startedAt: 0, finishedAt: 0, cpuMs: 0, periodMs: 0 })
    return waits?.filter(({ pid }) => pid === program.pid).length
  }
  while (pass() !== 10) expect(ofReading(program.pid)).toContain('mem')
  // Once more its words were read, because not all of the others were known when the first of it was.
  pass()
  expect(pass()).toBe(10)
  expect(ofReading(program.pid)).not.toContain('mem')
  expect(ofReading(program.pid)).not.toContain('syscall')
  expect(files.readings.filter((path) => path.startsWith(`/proc/${program.pid}/task/`)).length).toBeLessThanOrEqual(22)
  await program.stop()
})

test('of a process of many threads that is armed and at rest nothing is read', async () => {
  const program = await start('threads', [1, 8])
  const child = Number((await program.line()).trim())
  scanner.plan.replace({ type: 'plan', everyMask: locksBit, system: false, masks: new Map() })
  scanner.scanFull(Date.now())
  const pass = () => {
    files.readings.length = 0
    scanner.scanFast(Date.now(), 0)
    return ofReading(child)
  }
  while (pass().length > 0) expect(ofReading(child)).toContain('schedstat')
  // To stop, its threads run.
  process.kill(child, 'SIGSTOP')
  while (pass().length === 0);
  expect(ofReading(child)).toContain('schedstat')
  await program.stop()
})

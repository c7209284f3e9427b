/** Cost of watching idle processes: runs the scan in this thread and counts its readings. */

import { afterAll, expect, test } from 'vitest'
import { type ProcFile, ProcFiles } from '../../../../src/sources/linux/native/proc-files.ts'
import { locksBit } from '../../../../src/sources/linux/protocol.ts'
import { detectKernelFeatures } from '../../../../src/sources/linux/scan/kernel-features.ts'
import { ReportBuilder } from '../../../../src/sources/linux/scan/report-builder.ts'
import { Scanner } from '../../../../src/sources/linux/scan/scanner.ts'
import { start } from '../../../support/programs.ts'
import { until } from '../../../support/until.ts'

class CountedFiles extends ProcFiles {
  readonly readings: string[] = []

  override readFrom(file: ProcFile, position: number, bytes: number, armed: boolean, holdFrom: number): number {
    this.readings.push(file.path)
    return super.readFrom(file, position, bytes, armed, holdFrom)
  }
}

const procRoot = '/proc'
const files = new CountedFiles()
const report = new ReportBuilder()
const degrading = { degraded: () => {}, recovered: () => {} }
const features = detectKernelFeatures(procRoot, '/sys/fs/cgroup')
const scanner = new Scanner({ procRoot, files, report, abilities: features, degrading })

afterAll(() => {
  scanner.close()
  files.closeAll()
})

const ofReading = (pid: number) => [
  ...new Set(files.readings.filter((path) => path.startsWith(`/proc/${pid}/`)).map((path) => path.split('/').at(-1))),
]

test('for an idle deadlock, passes read only whether its threads ran', async () => {
  const program = await start('locks', ['ring', 'normal', 10])
  const pass = () => {
    files.readings.length = 0
    scanner.scanFull({ now: Date.now(), bootMs: performance.now() })
    const { waits } = report.finish({ kind: 'full', startedAt: 0, finishedAt: 0, cpuMs: 0, periodMs: 0 })
    return waits?.filter(({ pid }) => pid === program.pid).length
  }
  const isAtRest = (waits: number | undefined) => {
    if (waits === 10) return true
    expect(ofReading(program.pid)).toContain('mem')
    return false
  }
  await until(pass, isAtRest, { everyMs: 0 })
  // One more pass reads the words, because not all owners were known when the first thread was read.
  pass()
  expect(pass()).toBe(10)
  expect(ofReading(program.pid)).not.toContain('mem')
  expect(ofReading(program.pid)).not.toContain('syscall')
  expect(files.readings.filter((path) => path.startsWith(`/proc/${program.pid}/task/`)).length).toBeLessThanOrEqual(22)
  await program.stop()
})

test('an armed idle process with many threads is not read', async () => {
  const program = await start('threads', [1, 8])
  const child = Number((await program.line()).trim())
  scanner.plan.replace({ type: 'plan', everyMask: locksBit, system: false, masks: new Map() })
  scanner.scanFull({ now: Date.now(), bootMs: performance.now() })
  const pass = () => {
    files.readings.length = 0
    scanner.scanFast({ now: Date.now(), bootMs: performance.now() }, 0)
    return ofReading(child)
  }
  const isAtRest = (read: readonly (string | undefined)[]) => {
    if (read.length === 0) return true
    expect(read).toContain('schedstat')
    return false
  }
  await until(pass, isAtRest, { everyMs: 0 })
  // Its threads run in order to stop.
  process.kill(child, 'SIGSTOP')
  await until(pass, (read) => read.length > 0, { everyMs: 0 })
  expect(ofReading(child)).toContain('schedstat')
  await program.stop()
})

/** Signs of late scans: when they appear, and when they are taken back. */

import { expect, test } from 'vitest'
import { SourceDegradations } from '../../../src/sources/linux/degradations.ts'
import type { ScanReport } from '../../../src/sources/linux/protocol.ts'
import { ReportBuilder } from '../../../src/sources/linux/scan/report-builder.ts'
import { ScanHealth } from '../../../src/sources/linux/scan-health.ts'
import { Bench } from '../../kernel/support.ts'

const now = () => 1_700_000_000_000

function healthOf() {
  const degradations = new SourceDegradations(new Bench().kernel, now)
  const periods = { fastMs: 25, fullMs: 1000, birthsReported: true }
  return { degradations, health: new ScanHealth({ periodMs: 25, fullPeriodMs: 1000, periods, now }, degradations) }
}

function reportOf(kind: ScanReport['kind'], periodMs: number): ScanReport {
  return new ReportBuilder().finish({ kind, startedAt: now(), finishedAt: now(), cpuMs: 1, periodMs })
}

test('with nothing armed no armed scan is late, however slow reading is', () => {
  const { health, degradations } = healthOf()
  health.note(reportOf('fast', 5000), null)
  expect(degradations.names()).toEqual([])
})

test('a late armed scan names what needs it, until it is in time or nothing needs it', () => {
  const { health, degradations } = healthOf()
  const path = '/sys/fds/threshold/hog'
  health.note(reportOf('fast', 5000), path)
  expect(degradations.checks()).toMatchObject([
    { name: 'armed-scan-lag', detail: expect.stringContaining(`for ${path} takes more CPU`) },
  ])
  health.note(reportOf('fast', 26), path)
  expect(degradations.names()).toEqual([])
  health.note(reportOf('fast', 5000), path)
  health.note(reportOf('fast', 5000), null)
  expect(degradations.names()).toEqual([])
})

test('a late full scan is reported until it is in time', () => {
  const { health, degradations } = healthOf()
  health.note(reportOf('full', 9000), null)
  expect(degradations.names()).toEqual(['full-scan-lag'])
  health.note(reportOf('full', 1000), null)
  expect(degradations.names()).toEqual([])
})

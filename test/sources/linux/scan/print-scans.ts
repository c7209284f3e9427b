/** Scans and prints each message as a line of JSON: for the tests that look at the machine as another user. */

import { ServiceClock } from '../../../../src/runtime/clock.ts'
import { type ScanMessage, valueStride } from '../../../../src/sources/linux/protocol.ts'
import { rowsOf } from '../../../../src/sources/linux/scan/report-builder.ts'
import { startScanner } from '../../../../src/sources/linux/workers.ts'

const print = (message: ScanMessage): void => {
  const printed = message.type === 'scan' ? { ...message, values: rowsOf(message.values, valueStride) } : message
  process.stdout.write(`${JSON.stringify(printed)}\n`)
}

const scanner = startScanner(
  {
    procRoot: '/proc',
    cgroupRoot: '/sys/fs/cgroup',
    periodMs: 50,
    fullPeriodMs: 200,
    idleBudget: 1,
    armedBudget: 1,
    clockOffset: new ServiceClock().offset,
  },
  print,
  (error) => {
    throw error
  },
)
process.stdin.on('end', () => scanner.stop()).resume()

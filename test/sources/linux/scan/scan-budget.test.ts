/** The scan budget, and the CPU share of the last second. */

import { describe, expect, test } from 'vitest'
import { ScanBudget } from '../../../../src/sources/linux/scan/scan-budget.ts'
import { CpuWindow } from '../../../../src/sources/linux/tracked/cpu-window.ts'

const options = { periodMs: 25, fullPeriodMs: 1000, idleBudget: 0.02, armedBudget: 0.07 }

describe('the scan budget', () => {
  test('cheap scans run at the configured periods', () => {
    const budget = new ScanBudget(options)
    for (let pass = 0; pass < 3; pass++) {
      budget.record('full', 5)
      budget.record('fast', 0.5)
    }
    expect(budget.periodOf('full', false)).toBe(1000)
    expect(budget.periodOf('fast', true)).toBe(25)
  })

  test('expensive scans run less often, so that their share of a CPU stays within the budget', () => {
    const budget = new ScanBudget(options)
    for (let pass = 0; pass < 3; pass++) budget.record('full', 40)
    expect(budget.periodOf('full', false)).toBe(2000)
  })

  test('a single expensive pass changes nothing', () => {
    const budget = new ScanBudget(options)
    budget.record('full', 500)
    expect(budget.periodOf('full', false)).toBe(1000)
    budget.record('full', 5)
    expect(budget.periodOf('full', false)).toBe(1000)
  })

  test('costs that vary count with their mean', () => {
    const budget = new ScanBudget(options)
    for (let pass = 0; pass < 40; pass++) budget.record('full', pass % 2 === 0 ? 30 : 60)
    expect(budget.periodOf('full', false)).toBeGreaterThan(2000)
    expect(budget.periodOf('full', false)).toBeLessThan(2250)
  })

  test('fast and full scans together stay within the armed budget', () => {
    const budget = new ScanBudget(options)
    for (let pass = 0; pass < 3; pass++) {
      budget.record('full', 30)
      budget.record('fast', 4)
    }
    const share = 30 / budget.periodOf('full', true) + 4 / budget.periodOf('fast', true)
    expect(share).toBeLessThanOrEqual(0.0701)
    expect(share).toBeGreaterThan(0.069)
  })
})

describe('the CPU share of the last second', () => {
  test('needs a reading about a second old', () => {
    const window = new CpuWindow(0, 500e6)
    expect(window.permille(500, 600e6)).toBeNull()
    expect(window.permille(1000, 750e6)).toBe(250)
  })

  test('is known at once for a thread whose birth is known', () => {
    const window = new CpuWindow(0, 0)
    expect(window.permille(300, 300e6)).toBe(300)
  })

  test('follows the newest reading that is old enough, and falls to zero', () => {
    const window = new CpuWindow(0, 0)
    for (let at = 100; at <= 3000; at += 100) window.add(at, Math.min(at, 2000) * 1e6)
    expect(window.permille(3000, 2000e6)).toBeLessThanOrEqual(100)
    expect(window.permille(4000, 2000e6)).toBe(0)
  })
})

/** Limits scanning to its share of one CPU by scanning less often. Pure: milliseconds in, milliseconds out. */

export interface BudgetOptions {
  readonly periodMs: number
  readonly fullPeriodMs: number
  readonly idleBudget: number
  readonly armedBudget: number
}

export type PassKind = 'fast' | 'full'

// With something armed, full scans take at most this part of the budget, and fast scans have the rest.
const fullShareMax = 0.5
// Beyond this many of its periods, a full scan runs at any cost, so that figures do not grow old without limit.
const fullPeriodsMax = 10
const passesMeasured = 8

function minimumOf(costs: readonly number[]): number {
  return costs.length < 2 ? 0 : Math.min(...costs)
}

function meanWithoutMaximum(costs: readonly number[]): number {
  return (costs.reduce((total, each) => total + each, 0) - Math.max(...costs)) / (costs.length - 1)
}

export class ScanBudget {
  readonly #options: BudgetOptions
  readonly #recent: Record<PassKind, number[]> = { fast: [], full: [] }
  readonly #cost = { fast: 0, full: 0 }

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  /**
   * Records the cost of a pass. The estimate is the mean of the last passes without the most expensive one, so that a
   * single slow pass does not make scans rarer. For the first passes it is the least cost, because they are slow: they
   * open files and run cold code.
   */
  record(kind: PassKind, cpuMs: number): void {
    const recent = this.#recent[kind]
    recent.push(cpuMs)
    if (recent.length > passesMeasured) recent.shift()
    this.#cost[kind] = recent.length < passesMeasured ? minimumOf(recent) : meanWithoutMaximum(recent)
  }

  periodOf(kind: PassKind, armed: boolean): number {
    const { periodMs, fullPeriodMs, idleBudget, armedBudget } = this.#options
    const fullBudget = armed ? armedBudget * fullShareMax : idleBudget
    const full = Math.min(Math.max(fullPeriodMs, this.#cost.full / fullBudget), fullPeriodMs * fullPeriodsMax)
    if (kind === 'full') return full
    const budget = armed ? armedBudget : idleBudget
    const left = Math.max(budget - this.#cost.full / full, budget * fullShareMax)
    return Math.max(periodMs, this.#cost.fast / left)
  }
}

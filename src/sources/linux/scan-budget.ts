/** Keeps scanning within its share of one CPU by scanning less often. Pure: milliseconds in, milliseconds out. */

export interface BudgetOptions {
  readonly periodMs: number
  readonly fullPeriodMs: number
  readonly idleBudget: number
  readonly armedBudget: number
}

export type PassKind = 'fast' | 'full'

// With something armed the full scan takes at most this part of the budget; the fast one has what is left.
const fullShareMax = 0.5
// Past this many of its periods a full scan comes whatever it costs: figures must not grow old without end.
const fullPeriodsMax = 10

export class ScanBudget {
  private readonly options: BudgetOptions
  private readonly last = { fast: 0, full: 0 }
  private readonly cost = { fast: 0, full: 0 }

  constructor(options: BudgetOptions) {
    this.options = options
  }

  /** The lesser of two costs in a row counts: the first pass opens files, and one hiccup is no reason to scan less. */
  record(kind: PassKind, cpuMs: number): void {
    this.cost[kind] = Math.min(cpuMs, this.last[kind])
    this.last[kind] = cpuMs
  }

  periodOf(kind: PassKind, armed: boolean): number {
    const { periodMs, fullPeriodMs, idleBudget, armedBudget } = this.options
    const fullBudget = armed ? armedBudget * fullShareMax : idleBudget
    const full = Math.min(Math.max(fullPeriodMs, this.cost.full / fullBudget), fullPeriodMs * fullPeriodsMax)
    if (kind === 'full') return full
    const budget = armed ? armedBudget : idleBudget
    const left = Math.max(budget - this.cost.full / full, budget * fullShareMax)
    return Math.max(periodMs, this.cost.fast / left)
  }
}

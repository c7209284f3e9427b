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
const passesKept = 8

function leastOf(costs: readonly number[]): number {
  return costs.length < 2 ? 0 : Math.min(...costs)
}

function meanWithoutDearest(costs: readonly number[]): number {
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
   * The mean of the last passes counts, without the dearest: one hiccup is no reason to scan less. Of the first ones it is
   * the least, because they open files and are slow as all that begins.
   */
  record(kind: PassKind, cpuMs: number): void {
    const recent = this.#recent[kind]
    recent.push(cpuMs)
    if (recent.length > passesKept) recent.shift()
    this.#cost[kind] = recent.length < passesKept ? leastOf(recent) : meanWithoutDearest(recent)
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

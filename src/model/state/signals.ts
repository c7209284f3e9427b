/** Saves and restores signals by name: masks, pending signals and dispositions. */

import type { Disposition, PendingSignal, Signal, SignalSet } from '../signals.ts'
import { noSignals, signalOf } from '../signals.ts'
import { there } from './references.ts'

export interface PendingState {
  readonly signal: string
  readonly code: number
  readonly value: number
  readonly from: number | null
}

export type DispositionsState = readonly (readonly [signal: string, disposition: Disposition])[]

export function namesOf(signals: SignalSet): string[] {
  return [...signals].map(({ name }) => name)
}

export function signalNamed(name: string): Signal {
  return there(signalOf(name) ?? undefined)
}

export function signalsNamed(names: readonly string[]): SignalSet {
  return names.length === 0 ? noSignals : new Set(names.map(signalNamed))
}

export function exportPending(pending: readonly PendingSignal[]): PendingState[] {
  return pending.map((sent) => ({ ...sent, signal: sent.signal.name }))
}

export function importPending(pending: readonly PendingState[]): PendingSignal[] {
  return pending.map((sent) => ({ ...sent, signal: signalNamed(sent.signal) }))
}

export function exportDispositions(dispositions: ReadonlyMap<Signal, Disposition>): DispositionsState {
  return [...dispositions].map(([{ name }, disposition]) => [name, disposition])
}

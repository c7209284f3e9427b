/** Signals by name: masked, pending, and what a process does with them. */

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

export const namesOf = (signals: SignalSet): string[] => [...signals].map(({ name }) => name)

export const signalNamed = (name: string): Signal => there(signalOf(name) ?? undefined)

export const signalsNamed = (names: readonly string[]): SignalSet =>
  names.length === 0 ? noSignals : new Set(names.map(signalNamed))

export const exportPending = (pending: readonly PendingSignal[]): PendingState[] =>
  pending.map((sent) => ({ ...sent, signal: sent.signal.name }))

export const importPending = (pending: readonly PendingState[]): PendingSignal[] =>
  pending.map((sent) => ({ ...sent, signal: signalNamed(sent.signal) }))

export const exportDispositions = (dispositions: ReadonlyMap<Signal, Disposition>): DispositionsState =>
  [...dispositions].map(([{ name }, disposition]) => [name, disposition])

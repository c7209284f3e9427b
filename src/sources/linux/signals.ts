/** Lists Linux's signals by name and number. */

import { constants } from 'node:os'

const names = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))
// Several names share a number; these are the common ones.
for (const name of ['SIGABRT', 'SIGIO', 'SIGCHLD'] as const) names.set(constants.signals[name], name)
const realTimeMin = 34
const realTimeMax = 64

export function nameOfSignal(number: number): string {
  if (number >= realTimeMin) return number === realTimeMin ? 'SIGRTMIN' : `SIGRTMIN+${number - realTimeMin}`
  return names.get(number) ?? `SIG${number}`
}

const numbers = [
  ...Array.from({ length: 31 }, (_, place) => place + 1),
  ...Array.from({ length: realTimeMax - realTimeMin + 1 }, (_, place) => realTimeMin + place),
]

export const linuxSignals = numbers.map((number) => ({ number, name: nameOfSignal(number) }))

const byName = new Map(linuxSignals.map(({ number, name }) => [name, number]))

/** Null if there is no signal with that name. */
export function numberOfSignal(name: string): number | null {
  return byName.get(name) ?? null
}

/** Computes how many descriptors the service may hold for files of /proc, from its RLIMIT_NOFILE. */

import { readdirSync } from 'node:fs'
import { prlimit } from './libc.ts'

const rlimitNofile = 7
const reserveFds = 1024
const heldShareMax = 0.75

/** Descriptors left for everything else, above all connections. If the limit is small, half of it. */
function reservedOf(soft: number): number {
  return Math.min(reserveFds, Math.ceil(soft / 2))
}

/** Not from /proc/self: this process may not be one of those that /proc shows. */
function softLimit(): number {
  const bytes = Buffer.alloc(16)
  if (prlimit(0, rlimitNofile, null, bytes) !== 0) return reserveFds
  return Number(bytes.readBigUInt64LE(0))
}

export function budgetOfProcess(): number {
  const soft = softLimit()
  return Math.min(soft - reservedOf(soft), Math.floor(soft * heldShareMax))
}

/** Number of descriptors that could be taken now without touching the reserve. */
export function spareOfProcess(): number {
  const soft = softLimit()
  return soft - readdirSync('/proc/self/fd').length - reservedOf(soft)
}

/** Descriptors that this process may have beside those held here. */
export function descriptorsLeft(): number {
  return softLimit() - budgetOfProcess()
}

/** Signals that are pending, in `/proc/P/task/T/status`: masks, that is kinds and not how many of each. */

export interface PendingSignals {
  /** To the thread alone, and to its process. */
  readonly ofThread: number
  readonly ofProcess: number
  /** Of the kinds that can be queued many times over (32 and above) there is at least one each. */
  readonly isExact: boolean
}

const field = (text: string, name: string): string | null => {
  const at = text.indexOf(`\n${name}:\t`)
  return at === -1 ? null : text.slice(at + name.length + 3, at + name.length + 3 + 16)
}

const isMask = (text: string): boolean => /^[0-9a-f]{16}$/.test(text)

const bitsOf = (mask: number): number => {
  let count = 0
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++
  return count
}

/** Null where the masks are not there. */
export const parsePendingSignals = (text: string): PendingSignals | null => {
  const [own, shared] = [field(text, 'SigPnd'), field(text, 'ShdPnd')]
  if (own === null || shared === null || !isMask(own) || !isMask(shared)) return null
  const halves = (mask: string) => [Number.parseInt(mask.slice(0, 8), 16), Number.parseInt(mask.slice(8), 16)] as const
  const [ownHigh, ownLow] = halves(own)
  const [sharedHigh, sharedLow] = halves(shared)
  // Bit 31 is signal 32, the first that queues.
  const queues = (high: number, low: number) => high !== 0 || (low & 0x8000_0000) !== 0
  return {
    ofThread: bitsOf(ownHigh) + bitsOf(ownLow),
    ofProcess: bitsOf(sharedHigh) + bitsOf(sharedLow),
    isExact: !queues(ownHigh, ownLow) && !queues(sharedHigh, sharedLow),
  }
}

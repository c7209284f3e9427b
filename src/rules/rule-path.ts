/** Parses the pathname of a rule: of a threshold, or of a timeout, at the system or at a partition. */

import { didYouMean } from '../base/nearest.ts'
import type { LimitRow } from '../kernel/limits/limit-row.ts'
import { type LimitName, limits } from '../kernel/limits/table.ts'
import { MalformedPath } from '../tree/errors.ts'
import { isPartitionName, split } from '../tree/resolve.ts'
import { checkThresholdName } from '../tree/threshold-body.ts'

/** The pathname cannot be that of a rule; the message says why. */
export class RulePathError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RulePathError'
  }
}

interface Container {
  /** Pathname of the system or partition. */
  readonly node: string
  readonly level: 'system' | 'partition'
  /** Decoded segments below it. */
  readonly leaf: readonly string[]
}

export interface ThresholdPlace extends Omit<Container, 'leaf'> {
  readonly path: string
  readonly row: LimitRow
  readonly limit: LimitName
  readonly name: string
}

const thresholdForm = 'the pathname of a threshold, as in /sys/fds/threshold/hog'

/** @throws RulePathError; KernelError EINVAL for the name of the threshold */
export function thresholdPlace(pathname: string): ThresholdPlace {
  const { node, level, leaf } = containerOf(pathname, thresholdForm)
  const [limit, word, name, ...rest] = leaf
  if (limit === undefined || word !== 'threshold' || name === undefined || rest.length > 0)
    throw new RulePathError(`expected ${thresholdForm}`)
  checkThresholdName(name)
  const row = limits.find((each) => each.name === limit)
  const levelsOfRow: readonly string[] = row?.at ?? []
  if (row === undefined || !levelsOfRow.includes(level)) {
    const there = limits.filter(({ at }) => (at as readonly string[]).includes(level)).map((each) => each.name)
    throw new RulePathError(`there is no limit ${limit} at ${node}${didYouMean(limit, there)}`)
  }
  return { node, level, row, limit: row.name, name, path: `${node}/${limit}/threshold/${encodeURIComponent(name)}` }
}

const timeoutForm = 'the pathname of a timeout, as in /sys/timeout'

/** @throws RulePathError */
export function timeoutPlace(pathname: string): { readonly node: string; readonly path: string } {
  const { node, leaf } = containerOf(pathname, timeoutForm)
  if (leaf.length !== 1 || leaf[0] !== 'timeout') throw new RulePathError(`expected ${timeoutForm}`)
  return { node, path: `${node}/timeout` }
}

/** @throws RulePathError */
function containerOf(pathname: string, form: string): Container {
  if (!pathname.startsWith('/sys/')) throw new RulePathError(`expected ${form}`)
  const segments = segmentsOf(pathname)
  let [node, used] = ['/sys', 1]
  while (segments[used] === 'part' && segments[used + 1] !== undefined) {
    const name = segments[used + 1]!
    if (!isPartitionName(name)) throw new RulePathError(`${JSON.stringify(name)} cannot be the name of a partition`)
    node += `/part/${encodeURIComponent(name)}`
    used += 2
  }
  if (segments[used] === 'proc')
    throw new RulePathError(
      `a process ends, and a rule stays: set the rule at ${node}, for a threshold with per: process and where`,
    )
  return { node, level: used === 1 ? 'system' : 'partition', leaf: segments.slice(used) }
}

/** @throws RulePathError */
function segmentsOf(pathname: string): string[] {
  try {
    return split(pathname)
  } catch (error) {
    throw error instanceof MalformedPath ? new RulePathError(error.message) : error
  }
}

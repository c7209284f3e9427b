/** Defines the rows of the POSIX soft and hard limits of a process. */

import { z } from 'zod'
import { nearest } from '../../base/nearest.ts'
import type { RlimitAmount } from '../../kernel/actions.ts'
import { isRlimitName, type RlimitName, rlimitNames, rlimitRow } from '../../kernel/limits/rlimits.ts'
import { sizeText } from '../../kernel/limits/unit-text.ts'
import { pathSegment } from '../../kernel/nodes/path-segment.ts'
import type { Rlimit as KnownRlimit, Process } from '../../kernel/nodes/process.ts'
import { operate } from '../../kernel/operate.ts'
import { defineList, defineNode } from '../definition.ts'
import { NoSuchPath } from '../errors.ts'
import { largeNumber } from '../value-schemas.ts'
import { type RlimitView as Rlimit, RlimitView } from '../views.ts'

/** A number that is too large to be exact is shown as text. */
function shown(rlimit: KnownRlimit, side: 'soft' | 'hard'): number | string {
  const text = rlimit.exact?.[side]
  if (text !== undefined && Number(text) > Number.MAX_SAFE_INTEGER) return text
  return Number.isFinite(rlimit[side]) ? rlimit[side] : 'unlimited'
}

function showRlimit({ path, rlimits }: Process, rlimit: RlimitName): Rlimit {
  const there = rlimits?.[rlimit]
  const head = { path: `${path}/rlimit/${rlimit}`, rlimit, unit: rlimitRow(rlimit).unit }
  if (there !== undefined) return { ...head, soft: shown(there, 'soft'), hard: shown(there, 'hard') }
  const unavailable = rlimits === null ? 'not read, or not to be read' : 'this source has no such rlimit'
  return { ...head, soft: null, hard: null, unavailable }
}

/** @throws NoSuchPath */
function checkName({ path }: Process, name: string): RlimitName {
  if (isRlimitName(name)) return name
  const parent = `${path}/rlimit`
  const meant = nearest(name, rlimitNames)
  throw new NoSuchPath(`${parent}/${pathSegment(name)}`, parent, meant && `${parent}/${meant}`)
}

const Amount = z.union(
  [z.int().nonnegative(), z.literal('unlimited'), largeNumber],
  'a whole number in the unit of the rlimit, as text from 2^53 on, or "unlimited"',
)
function amount(given: z.output<typeof Amount>): RlimitAmount {
  if (given === 'unlimited') return Number.POSITIVE_INFINITY
  return typeof given === 'string' ? BigInt(given) : given
}

const RlimitBody = z
  .strictObject({
    soft: Amount.exactOptional().describe('New soft limit, effective at once; unchanged if absent'),
    hard: Amount.exactOptional().describe('New hard limit, the maximum of `soft`; unchanged if absent'),
  })
  .refine((body) => Object.keys(body).length > 0, { path: ['soft'], message: 'give soft, hard or both' })
  .meta({ id: 'RlimitChange' })

/** For people: bytes as 8.0M. */
function sideText(side: Rlimit['soft'], unit: string): string {
  return typeof side === 'number' && unit === 'bytes' ? sizeText(side) : String(side ?? '-')
}

export const rlimitDefinitions = [
  defineList({
    under: ['process'],
    leaf: 'rlimit',
    kind: 'directory',
    summary: 'The POSIX soft and hard limits of a process',
    entry: RlimitView,
    columns: [
      { title: 'RLIMIT', align: 'left', cell: ({ rlimit }) => rlimit },
      { title: 'SOFT', align: 'right', cell: ({ soft, unit }) => sideText(soft, unit) },
      { title: 'HARD', align: 'right', cell: ({ hard, unit }) => sideText(hard, unit) },
      { title: 'UNIT', align: 'left', cell: ({ unit }) => unit },
    ],
    children: (_, process) => rlimitNames.map((name) => ({ process, name })),
    key: ({ name }) => name,
    show: (_, { process, name }) => showRlimit(process, name),
  }),
  defineNode({
    under: ['process'],
    leaf: 'rlimit/:rlimit',
    params: { rlimit: 'POSIX name of the limit, in lower case without RLIMIT_' },
    kind: 'document',
    summary: 'One POSIX limit, by its POSIX name and unit',
    reply: RlimitView,
    read: (_, process, { rlimit }) => showRlimit(process, checkName(process, rlimit!)),
    put: {
      summary:
        'Set soft and hard limit, or one of them, by the rules of setrlimit. On a live machine with --allow-actions',
      role: 'operate',
      body: RlimitBody,
      run: ({ context: { kernel }, node: process, params: { rlimit }, body: { soft, hard } }) => {
        const name = checkName(process, rlimit!)
        const change = {
          ...(soft !== undefined && { soft: amount(soft) }),
          ...(hard !== undefined && { hard: amount(hard) }),
        }
        operate(kernel, 'setrlimit', (actions) => actions.setRlimit(process, name, change))
        return { status: 200, body: showRlimit(process, name) }
      },
    },
  }),
]

/** Usage of a limit at a node, and the thresholds set there. */

import { z } from 'zod'
import { bounds } from '../../base/bounds.ts'
import { KernelError } from '../../kernel/errno.ts'
import { limitAt } from '../../kernel/limits/places.ts'
import { levels } from '../../kernel/limits/table.ts'
import { type Threshold, type ThresholdDefinition, thresholdActions } from '../../kernel/limits/thresholds/threshold.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import { parseDuration } from '../../kernel/time/duration.ts'
import { defineList, defineNode, type Params, type TreeContext } from '../definition.ts'
import { NoSuchPath } from '../errors.ts'
import { checkPreconditions, etagOf } from '../preconditions.ts'
import { byPath, showLimit, showThreshold } from '../show.ts'
import { parseWords } from '../threshold-text.ts'
import { LimitView, ThresholdView } from '../views.ts'

/** Preconditions: `resolve` lets only limits that exist at the node through. */
function indexOf(node: Node, { limit }: Params): number {
  return limitAt(node, limit!)!
}

function isPercent(text: string): text is `${number}%` {
  return /^\d{1,3}(\.\d{1,2})?%$/.test(text) && Number(text.slice(0, -1)) <= 100
}

const PointBody = z.union(
  [z.int().nonnegative(), z.string().refine(isPercent, 'a percentage from "0%" to "100%", at most two decimals')],
  'a whole number in the limit’s unit, or a percentage of its capacity such as "80%"',
)

const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, 'a duration such as "500ms", "30s" or "1h"')
  .nullable()
  .default(null)

const WhereBody = z
  .strictObject({
    name: z.string().min(1).max(bounds.nameMax).nullable().default(null).describe('Of the process: * any, ? one'),
    uid: z.int().nonnegative().nullable().default(null),
    partition: z.string().max(bounds.pathBytesMax).nullable().default(null).describe('Pathname; those below count too'),
  })
  .describe('With `per`: only these, looked at again as they exec, change or move')

/** What it means is for the kernel to check: `checkDefinition`. */
export const ThresholdBody = z
  .strictObject({
    on: z.enum(['cross', 'change']).default('cross').describe('`change`: any change; then there is no `at`'),
    at: PointBody.nullable().default(null).describe('Trip point: reaching it counts'),
    rearm: PointBody.nullable().default(null).describe('Clears there; strictly on the safe side of `at`'),
    direction: z.enum(['rising', 'falling']).default('rising'),
    per: z.enum(levels).nullable().default(null).describe('Separately for every node of this level strictly below'),
    where: WhereBody.nullable().default(null),
    for: duration.describe('It must stay past `at` this long'),
    once: z.boolean().default(false).describe('One event a node; then tripped until put again'),
    action: z
      .enum(thresholdActions)
      .default('notify')
      .describe('`deny`: calls that would pass `at` are refused (the model only). `signal`: sent to what trips'),
    signal: z
      .string()
      .max(bounds.nameMax)
      .exactOptional()
      .describe('With the action `signal`: its name, as in SIGXCPU'),
    delta: z
      .int()
      .min(1)
      .nullable()
      .default(null)
      .describe('With `change`: the least difference from what was told last'),
    every: duration.describe('With `change`: the least time between two events; one tells of all `changes` since'),
    ttl: duration.describe('Removed after this long unless put again'),
    note: z.string().max(bounds.noteMax).nullable().default(null).describe('Free text, returned in every event'),
  })
  .meta({ id: 'ThresholdDefinition' })

function thresholdAt({ kernel }: TreeContext, node: Node, params: Params): Threshold {
  const threshold = kernel.notifier.find(node, indexOf(node, params), params.name!)
  if (threshold === null) {
    const parent = `${node.path}/${params.limit}/threshold`
    throw new NoSuchPath(`${parent}/${encodeURIComponent(params.name!)}`, parent)
  }
  return threshold
}

/** @throws EINVAL */
export function checkThresholdName(name: string): void {
  const bad = name === '.' || name === '..' || name.length > bounds.thresholdNameMax || /\p{Cc}/u.test(name)
  if (bad) {
    const rule = `1 to ${bounds.thresholdNameMax} characters, no control characters, not "." or ".."`
    throw new KernelError('EINVAL', `a threshold cannot have this name: ${rule}`)
  }
}

export const limitDefinitions = [
  defineNode({
    under: levels,
    leaf: ':limit',
    kind: 'limit',
    summary: 'Usage of one limit at this node',
    reply: LimitView,
    read: ({ kernel }, node, params) => showLimit(kernel, node, indexOf(node, params)),
  }),
  defineList({
    under: levels,
    leaf: ':limit/threshold',
    kind: 'directory',
    summary: 'The thresholds set on this limit at this node',
    entry: ThresholdView,
    columns: [
      { title: 'NAME', align: 'left', cell: ({ path }) => path.slice(path.lastIndexOf('/') + 1) },
      { title: 'STATE', align: 'left', cell: ({ state }) => state },
      { title: 'AT', align: 'right', cell: ({ at }) => (at === null ? 'change' : String(at)) },
      { title: 'PER', align: 'left', cell: ({ per }) => per ?? '-' },
      { title: 'VALUE', align: 'right', cell: ({ value }) => String(value ?? '-') },
    ],
    children: ({ kernel }, node, params) => kernel.notifier.thresholdsAt(node, indexOf(node, params)).sort(byPath),
    key: ({ path }) => path,
    show: ({ kernel }, threshold) => showThreshold(kernel, threshold),
  }),
  defineNode({
    under: levels,
    leaf: ':limit/threshold/:name',
    kind: 'document',
    summary: 'A threshold: its definition and its state',
    reply: ThresholdView,
    read: (context, node, params) => showThreshold(context.kernel, thresholdAt(context, node, params)),
    etag: (context, node, params) => etagOf(thresholdAt(context, node, params)),
    put: {
      summary:
        'Set a threshold. As text, the first word is the trip point, and name=value words may follow. ?dry-run says what would trip now',
      body: ThresholdBody,
      words: { parse: parseWords, examples: ['100', '80% rearm=60% per=process', 'on=change every=1s'] },
      // Who may set it may not thereby end processes.
      operates: (body) => ThresholdBody.parse(body).action === 'signal',
      dryRun: true,
      run: ({ kernel }, node, params, { body, owner, preconditions, dryRun }) => {
        const name = params.name!
        checkThresholdName(name)
        const index = indexOf(node, params)
        checkPreconditions('threshold', kernel.notifier.find(node, index, name), preconditions)
        const definition: ThresholdDefinition = ThresholdBody.parse(body)
        const wish = { definition, owner }
        if (dryRun) {
          const body = showThreshold(kernel, kernel.notifier.preview(node, index, name, wish))
          return { status: 200, body: { ...body, dryRun: true } }
        }
        // An update by itself: what it trips may act at once.
        const put = () => kernel.notifier.put(node, index, name, wish)
        const { threshold, created } = kernel.update(kernel.now, put)
        return { status: created ? 201 : 200, body: showThreshold(kernel, threshold), etag: etagOf(threshold) }
      },
    },
    remove: {
      summary: 'Delete a threshold; nodes that are tripped are cleared as `deleted`',
      run: (context, node, params, preconditions) => {
        const threshold = thresholdAt(context, node, params)
        checkPreconditions('threshold', threshold, preconditions)
        context.kernel.notifier.delete(threshold)
        return { status: 204 }
      },
    },
  }),
]

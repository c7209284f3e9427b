/**
 * Defines the rows `<limit>` and `<limit>/threshold/<name>`: the usage of a limit at a node, and the thresholds set
 * there.
 */

import type { Kernel } from '../../kernel/kernel.ts'
import { levels } from '../../kernel/limits/limit-row.ts'
import { limitAt } from '../../kernel/limits/places.ts'
import { limits } from '../../kernel/limits/table.ts'
import type { Threshold } from '../../kernel/limits/thresholds/threshold.ts'
import { checkNames } from '../../kernel/limits/thresholds/where-advice.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import { pathSegment } from '../../kernel/nodes/path-segment.ts'
import type { TreeContext } from '../context.ts'
import { defineList, defineNode } from '../definition.ts'
import { thresholdEndAdvice } from '../end-advice.ts'
import { NoSuchPath } from '../errors.ts'
import { checkPreconditions, etagOf } from '../preconditions.ts'
import { refuseRuleOwned } from '../rule-owner.ts'
import { awaitsReading, byPath, showLimit, showThreshold } from '../show.ts'
import { checkThresholdName, ThresholdBody } from '../threshold-body.ts'
import { atColumn, valueColumn } from '../threshold-columns.ts'
import { parseThresholdText } from '../threshold-text.ts'
import { ThresholdView } from '../threshold-views.ts'
import type { Params, VerbResult } from '../verb.ts'
import { LimitView } from '../views.ts'

/** Preconditions: `resolve` has matched the name to a limit that the node's level has. */
function indexOf(node: Node, { limit }: Params): number {
  return limitAt(node, limit!)!
}

/** @throws NoSuchPath */
function thresholdAt({ kernel }: TreeContext, node: Node, params: Params): Threshold {
  const threshold = kernel.notifier.find(node, indexOf(node, params), params.name!)
  if (threshold === null) {
    const parent = `${node.path}/${params.limit}/threshold`
    throw new NoSuchPath(`${parent}/${pathSegment(params.name!)}`, parent)
  }
  return threshold
}

/** The reply for a process just born waits for its first reading, which comes with the next scan. */
function replyOf(
  result: VerbResult,
  { kernel, threshold, write }: { kernel: Kernel; threshold: Threshold; write: () => object },
): VerbResult {
  const isPending = () => awaitsReading(kernel, threshold)
  return isPending() ? { ...result, deferred: { isPending, write } } : { ...result, body: write() }
}

function adviceOf(sentences: readonly (string | null)[]): { advice?: string } {
  const given = sentences.filter((sentence) => sentence !== null)
  return given.length === 0 ? {} : { advice: given.join('; ') }
}

export const limitDefinitions = [
  defineNode({
    under: levels,
    leaf: ':limit',
    kind: 'limit',
    summary: 'Usage of one limit at this node',
    reply: LimitView,
    amounts: ['value', 'peak', 'capacity', 'reclaimable', 'granularity', 'thresholds.at'],
    read: ({ kernel }, node, params) => {
      const index = indexOf(node, params)
      if (kernel.isOnDemand(limits[index]!.name, node.level)) kernel.requests.add(node, index, kernel.now)
      return showLimit(kernel, node, index)
    },
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
      atColumn,
      { title: 'PER', align: 'left', cell: ({ per }) => per ?? '-' },
      valueColumn,
    ],
    isAwaiting: ({ notifier }, node, params) => notifier.thresholdsAt(node, indexOf(node, params)).length > 0,
    children: ({ kernel }, node, params) => kernel.notifier.thresholdsAt(node, indexOf(node, params)).sort(byPath),
    key: ({ path }) => path,
    show: ({ kernel }, threshold) => showThreshold(kernel, threshold),
  }),
  defineNode({
    under: levels,
    leaf: ':limit/threshold/:name',
    params: { name: 'Name of the threshold, one percent-encoded segment' },
    kind: 'document',
    summary: 'A threshold: its definition and its state',
    reply: ThresholdView,
    amounts: ['at', 'rearm', 'delta', 'value', 'capacity'],
    read: (context, node, params) => showThreshold(context.kernel, thresholdAt(context, node, params)),
    etag: (context, node, params) => etagOf(thresholdAt(context, node, params)),
    isAwaiting: ({ notifier }, node, params) => notifier.find(node, indexOf(node, params), params.name!) !== null,
    put: {
      summary:
        'Set a threshold. In plain text the first word is the trip point, and name=value words may follow. ' +
        '?dry-run reports which nodes would trip now',
      role: 'control',
      // The role `control` must not be enough to end processes, or to find out command lines by trying patterns.
      roleFor: ({ action, where }) => (action === 'signal' || where?.cmdline !== undefined ? 'operate' : 'control'),
      body: ThresholdBody,
      text: {
        parse: (words, { limit }) => parseThresholdText(words, limit!),
        examples: ['100', '80% rearm=60% per=process', 'on=change every=1s'],
      },
      dryRun: true,
      run: ({ context: { kernel }, node, params, body: definition, owner, preconditions, dryRun }) => {
        const name = params.name!
        checkThresholdName(name)
        const index = indexOf(node, params)
        const existing = kernel.notifier.find(node, index, name)
        checkPreconditions('threshold', existing, preconditions)
        refuseRuleOwned('threshold', existing)
        const found = checkNames(kernel, definition.where)
        const adviceFor = (threshold: Threshold) => adviceOf([found, thresholdEndAdvice(kernel, threshold)])
        const request = { definition, owner }
        if (dryRun) {
          const preview = () => kernel.notifier.preview(node, index, name, request)
          const write = () => {
            const threshold = preview()
            return { ...showThreshold(kernel, threshold), ...adviceFor(threshold), dryRun: true }
          }
          return replyOf({ status: 200 }, { kernel, threshold: preview(), write })
        }
        // A complete update: if the threshold trips at once, its action runs at once.
        const put = () => kernel.notifier.put(node, index, name, request)
        const { threshold, created } = kernel.update(kernel.now, put)
        const write = () => ({ ...showThreshold(kernel, threshold), ...adviceFor(threshold) })
        return replyOf({ status: created ? 201 : 200, etag: etagOf(threshold) }, { kernel, threshold, write })
      },
    },
    remove: {
      summary: 'Delete a threshold; its tripped nodes are cleared with the reason `deleted`',
      role: 'control',
      run: ({ context, node, params, preconditions }) => {
        const threshold = thresholdAt(context, node, params)
        checkPreconditions('threshold', threshold, preconditions)
        refuseRuleOwned('threshold', threshold)
        context.kernel.notifier.delete(threshold)
        return { status: 204 }
      },
    },
  }),
]

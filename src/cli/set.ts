/** `introspectd set`: sets a threshold from words on the command line. */

import { z } from 'zod'
import { printable } from '../base/terminal-text.ts'
import { marks } from '../config/row.ts'
import { clientSettings } from '../config/settings.ts'
import { amountText, pointText } from '../kernel/limits/amount-text.ts'
import { MalformedText } from '../tree/errors.ts'
import { ThresholdBody } from '../tree/threshold-body.ts'
import { limitOfThreshold } from '../tree/threshold-columns.ts'
import { parseThresholdText } from '../tree/threshold-text.ts'
import { ThresholdView } from '../tree/threshold-views.ts'
import { defineCommand } from './command.ts'
import { CliError } from './error.ts'
import { print } from './print.ts'
import { ServiceConnection, withField } from './service-connection.ts'
import { defaultThresholdName, limitNames, typedThresholdPath } from './threshold-path.ts'

const fieldNames = Object.keys(ThresholdBody.shape)

export const setCommand = defineCommand({
  name: 'set',
  summary: 'set a threshold, or replace the one with the same name',
  args: {
    path: z
      .string()
      .describe(
        `limit such as /sys/proc/42/fds, short 42/fds; append /threshold/NAME for a name other than ${defaultThresholdName}`,
      )
      .register(marks, { words: limitNames }),
    at: z
      .string()
      .describe(
        'trip point: an amount such as 100, 1.5G, 250ms or 1.5cpu in the unit of the limit, or a percentage of its capacity',
      ),
    fields: z
      .array(z.string())
      .default([])
      .describe(`further fields as field=value: ${fieldNames.filter((field) => field !== 'at').join(', ')}`),
  },
  options: {},
  settings: clientSettings,
  examples: [
    'introspectd set 42/fds 100',
    'introspectd set 42/memory 1.5G',
    'introspectd set fds/threshold/each 500 per=process rearm=400 note="too many files"',
    'introspectd set memory-free 10% direction=falling',
  ],
  run: async ({ args: { path, at, fields }, io, ...effective }) => {
    const target = typedThresholdPath(path)
    const connection = new ServiceConnection(effective)
    const { body, status } = await connection
      .reply(connection.client.put(target, bodyOf([at, ...fields], limitOfThreshold(target))))
      .catch((error: unknown) => {
        throw error instanceof CliError ? new CliError(withField(error.message, fieldNames)) : error
      })
    print(io, thresholdText(ThresholdView.parse(body), status === 201))
  },
})

function bodyOf(words: readonly string[], limit: string): object {
  try {
    return parseThresholdText(words, limit)
  } catch (error) {
    throw error instanceof MalformedText ? new CliError(error.message) : error
  }
}

/** Describes the threshold in one line, followed by one line for each node that is already past it. */
export function thresholdText(view: ThresholdView, created: boolean): string {
  const { path, at, per, direction, state, advice, tripped = [] } = view
  const limit = limitOfThreshold(path)
  const point = at === null ? 'any change' : `${direction === 'falling' ? 'down to' : 'at'} ${pointText(limit, at)}`
  const where = `${path} ${created ? 'set' : 'replaced'}: ${point}`
  const spread = per === null ? '' : ` for each ${per}`
  const lines = [`${where}${spread}; ${state}, ${now(view)}`, ...tripped.map((node) => `  past it: ${node}`)]
  if (advice !== undefined) lines.push(`  ${advice}`)
  return lines.map((line) => `${printable(line)}\n`).join('')
}

function now({
  path,
  per,
  state,
  value,
  capacity,
  unreadable,
  nodes = 0,
  tripped = [],
  unknown = 0,
}: ThresholdView): string {
  const limit = limitOfThreshold(path)
  if (per !== null) {
    const unread = unknown === 0 ? '' : `, ${unknown} not to be read`
    return `${tripped.length} of ${nodes} past it${unread}`
  }
  if (state === 'waiting') return 'its partition is not there'
  if (value === null) return 'its value cannot be read just now'
  const least = unreadable === undefined ? '' : 'at least '
  return `${limit} now ${least}${amountText(limit, value)}${capacity == null ? '' : ` of ${amountText(limit, capacity)}`}`
}

/** Defines the rows below `/sys/rules`: the thresholds and timeouts that come from files, and their reload. */

import { z } from 'zod'
import type { RuleReload } from '../context.ts'
import { defineList, defineNode } from '../definition.ts'
import { MalformedText } from '../errors.ts'
import { timeText } from '../show.ts'
import { path, time, whole } from '../value-schemas.ts'

const RuleView = z
  .strictObject({
    path: path.describe('Pathname of the threshold or timeout'),
    kind: z.enum(['threshold', 'timeout']),
    file: z.string(),
    line: whole,
    state: z
      .enum(['set', 'refused', 'expired'])
      .describe('`refused`: `reason` says why it is not set. `expired`: its `ttl` is over, until the next reload'),
    reason: z.string().optional(),
  })
  .meta({ id: 'Rule' })

const RuleReloadView = z
  .strictObject({
    path: z.literal('/sys/rules/reload'),
    at: time.nullable().describe('When the files were last read; null if no rule file is configured'),
    ok: z.boolean().describe('False: a file had faults, and the former rules stayed'),
    set: whole.describe('Number of rules that were new or changed'),
    unchanged: whole,
    removed: whole.describe('Number of rules that had left the files'),
    refused: whole.describe('Number of rules that could not be set: see /sys/rules'),
    faults: z.array(z.strictObject({ file: z.string(), line: whole, detail: z.string() })),
  })
  .meta({ id: 'RuleReload' })

const none: Omit<RuleReload, 'at'> = { ok: true, set: 0, unchanged: 0, removed: 0, refused: 0, faults: [] }

function showReload(last: RuleReload | null): z.input<typeof RuleReloadView> {
  const { at, faults, ...counts } = last ?? { at: null, ...none }
  return { path: '/sys/rules/reload', at: at === null ? null : timeText(at), ...counts, faults: [...faults] }
}

const Nothing = z.strictObject({}).meta({ id: 'Nothing' })

/** POST of a reload needs no body. */
function parseNothing(words: readonly string[]): Record<string, never> {
  if (words.join('') !== '') throw new MalformedText('a reload takes no body')
  return {}
}

export const ruleDefinitions = [
  defineList({
    under: ['system'],
    leaf: 'rules',
    kind: 'directory',
    summary: 'The rules: thresholds and timeouts from files, each with its file and line',
    entry: RuleView,
    columns: [
      { title: 'STATE', align: 'left', cell: ({ state }) => state },
      { title: 'RULE', align: 'left', cell: (rule) => rule.path },
      { title: 'FILE', align: 'left', cell: ({ file, line }) => `${file}:${line}` },
      { title: 'REASON', align: 'left', cell: ({ reason }) => reason ?? '' },
    ],
    children: ({ rules }) => rules.all(),
    key: (rule) => rule.path,
    show: (_, { path: of, kind, file, line, state, reason }) => ({
      path: of,
      kind,
      file,
      line,
      state,
      ...(reason !== undefined && { reason }),
    }),
  }),
  defineNode({
    under: ['system'],
    leaf: 'rules/reload',
    kind: 'document',
    summary: 'The last reading of the rules files, and its faults',
    reply: RuleReloadView,
    read: ({ rules }) => showReload(rules.last),
    post: {
      summary: 'Read the rules files again. With a fault in any of them nothing changes, and the reply names each line',
      role: 'control',
      body: Nothing,
      text: { parse: parseNothing, examples: ['no body'] },
      run: ({ context: { rules } }) => ({ status: 200, body: showReload(rules.reload()) }),
    },
  }),
]

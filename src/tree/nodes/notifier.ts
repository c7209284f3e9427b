/**
 * Defines the rows below `/sys/notifier`, which switch the evaluation of thresholds on and off, for all limits or for
 * one.
 */

import { z } from 'zod'
import { nearest } from '../../base/nearest.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { type LimitName, limitIndex, limits } from '../../kernel/limits/table.ts'
import { pathSegment } from '../../kernel/nodes/path-segment.ts'
import { defineList, defineNode } from '../definition.ts'
import { NoSuchPath } from '../errors.ts'

const SwitchBody = z.strictObject({ enabled: z.boolean() }).meta({ id: 'Switch' })

const NotifierView = z
  .strictObject({
    path: z.string(),
    enabled: z.boolean().describe('False: no threshold is evaluated'),
    thresholds: z.int().describe('Number of thresholds that are set, evaluated or not'),
    disabled: z.array(z.string()).describe('Limits that are switched off individually'),
  })
  .meta({ id: 'Notifier' })

const LimitSwitchView = z
  .strictObject({
    path: z.string(),
    limit: z.string(),
    enabled: z.boolean().describe('The switch of this limit; the whole notifier may be switched off besides'),
    thresholds: z.int(),
  })
  .meta({ id: 'LimitSwitch' })

const notifierPath = '/sys/notifier'

function showNotifier({ notifier }: Kernel): z.input<typeof NotifierView> {
  const { switches, size } = notifier
  const disabled = limits.filter((_, index) => !switches.isLimitOn(index)).map(({ name }) => name)
  return { path: notifierPath, enabled: switches.all, thresholds: size, disabled }
}

function showSwitch({ notifier }: Kernel, limit: LimitName): z.input<typeof LimitSwitchView> {
  const index = limitIndex[limit]
  const enabled = notifier.switches.isLimitOn(index)
  return { path: `${notifierPath}/limits/${limit}`, limit, enabled, thresholds: notifier.countOn(index) }
}

function limitNamed(name: string): LimitName {
  const row = limits.find((each) => each.name === name)
  if (row !== undefined) return row.name
  const parent = `${notifierPath}/limits`
  const meant = nearest(
    name,
    limits.map((each) => each.name),
  )
  throw new NoSuchPath(`${parent}/${pathSegment(name)}`, parent, meant && `${parent}/${meant}`)
}

/** A complete update: thresholds that trip when switched on run their actions at once. */
function switchAt(kernel: Kernel, index: number | null, on: boolean): void {
  kernel.update(kernel.now, () => kernel.notifier.switch(index, on))
}

export const notifierDefinitions = [
  defineNode({
    under: ['system'],
    leaf: 'notifier',
    kind: 'document',
    summary: 'The Generic Notifier: whether thresholds are evaluated at all',
    reply: NotifierView,
    read: ({ kernel }) => showNotifier(kernel),
    put: {
      summary:
        'Switch it, as in {"enabled":false}. Off: tripped thresholds are cleared. On: all are evaluated as if just set',
      role: 'control',
      body: SwitchBody,
      run: ({ context: { kernel }, body: { enabled } }) => {
        switchAt(kernel, null, enabled)
        return { status: 200, body: showNotifier(kernel) }
      },
    },
  }),
  defineList({
    under: ['system'],
    leaf: 'notifier/limits',
    kind: 'directory',
    summary: 'The switches of all limits',
    entry: LimitSwitchView,
    columns: [
      { title: 'LIMIT', align: 'left', cell: ({ limit }) => limit },
      { title: 'ENABLED', align: 'left', cell: ({ enabled }) => (enabled ? 'yes' : 'no') },
      { title: 'THRESHOLDS', align: 'right', cell: ({ thresholds }) => String(thresholds) },
    ],
    children: () => limits.map(({ name }) => name),
    key: (name) => limitIndex[name],
    show: ({ kernel }, name) => showSwitch(kernel, name),
  }),
  defineNode({
    under: ['system'],
    leaf: 'notifier/limits/:of',
    params: { of: 'Name of a limit' },
    kind: 'document',
    summary: 'Whether thresholds on one limit are evaluated, at any level',
    reply: LimitSwitchView,
    read: ({ kernel }, _, { of }) => showSwitch(kernel, limitNamed(of!)),
    put: {
      summary: 'Switch one limit, as in {"enabled":false}; the rules of the whole notifier hold',
      role: 'control',
      body: SwitchBody,
      run: ({ context: { kernel }, params: { of }, body: { enabled } }) => {
        const limit = limitNamed(of!)
        switchAt(kernel, limitIndex[limit], enabled)
        return { status: 200, body: showSwitch(kernel, limit) }
      },
    },
  }),
]

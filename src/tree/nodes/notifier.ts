/** Switching the Generic Notifier: as a whole, and each limit by itself. */

import { z } from 'zod'
import { nearest } from '../../base/nearest.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { type LimitName, limitIndex, limits } from '../../kernel/limits/table.ts'
import { defineList, defineNode } from '../definition.ts'
import { NoSuchPath } from '../errors.ts'

const SwitchBody = z.strictObject({ enabled: z.boolean() }).meta({ id: 'Switch' })

const NotifierView = z
  .strictObject({
    path: z.string(),
    enabled: z.boolean().describe('False: no threshold is watched'),
    thresholds: z.int().describe('Set in all, watched or not'),
    disabled: z.array(z.string()).describe('Limits that are switched off by themselves'),
  })
  .meta({ id: 'Notifier' })

const LimitSwitchView = z
  .strictObject({
    path: z.string(),
    limit: z.string(),
    enabled: z.boolean().describe('Of this limit; whether it is watched is for the notifier as a whole to say, too'),
    thresholds: z.int(),
  })
  .meta({ id: 'LimitSwitch' })

const place = '/sys/notifier'

function showNotifier({ notifier }: Kernel): z.input<typeof NotifierView> {
  const { switches, size } = notifier
  const disabled = limits.filter((_, index) => !switches.isLimitOn(index)).map(({ name }) => name)
  return { path: place, enabled: switches.all, thresholds: size, disabled }
}

function showSwitch({ notifier }: Kernel, limit: LimitName): z.input<typeof LimitSwitchView> {
  const index = limitIndex[limit]
  const enabled = notifier.switches.isLimitOn(index)
  return { path: `${place}/limits/${limit}`, limit, enabled, thresholds: notifier.countOn(index) }
}

function limitNamed(name: string): LimitName {
  const row = limits.find((each) => each.name === name)
  if (row !== undefined) return row.name
  const parent = `${place}/limits`
  const meant = nearest(
    name,
    limits.map((each) => each.name),
  )
  throw new NoSuchPath(`${parent}/${encodeURIComponent(name)}`, parent, meant && `${parent}/${meant}`)
}

/** An update by itself: what trips as it comes on may act at once. */
function switchAt(kernel: Kernel, index: number | null, on: boolean): void {
  kernel.update(kernel.now, () => kernel.notifier.switch(index, on))
}

function isOn(body: unknown): boolean {
  return (body as z.output<typeof SwitchBody>).enabled
}

export const notifierDefinitions = [
  defineNode({
    under: ['system'],
    leaf: 'notifier',
    kind: 'document',
    summary: 'The Generic Notifier: whether thresholds are watched at all',
    reply: NotifierView,
    read: ({ kernel }) => showNotifier(kernel),
    put: {
      summary:
        'Switch it, as in {"enabled":false}: what is tripped is cleared; switched on, all is looked at as if just set',
      body: SwitchBody,
      run: ({ kernel }, _, __, { body }) => {
        switchAt(kernel, null, isOn(body))
        return { status: 200, body: showNotifier(kernel) }
      },
    },
  }),
  defineList({
    under: ['system'],
    leaf: 'notifier/limits',
    kind: 'directory',
    summary: 'All limits, each with whether it is switched on',
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
    kind: 'document',
    summary: 'Whether thresholds on one limit are watched, at any level',
    reply: LimitSwitchView,
    read: ({ kernel }, _, { of }) => showSwitch(kernel, limitNamed(of!)),
    put: {
      summary: 'Switch one limit, as in {"enabled":false}; as for the whole notifier',
      body: SwitchBody,
      run: ({ kernel }, _, { of }, { body }) => {
        const limit = limitNamed(of!)
        switchAt(kernel, limitIndex[limit], isOn(body))
        return { status: 200, body: showSwitch(kernel, limit) }
      },
    },
  }),
]

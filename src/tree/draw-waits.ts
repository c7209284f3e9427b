/** Shows waits to people: as sentences, and as drawings for Graphviz and Mermaid. */

import type { z } from 'zod'
import { printable } from '../base/terminal-text.ts'
import type { WaitChainView, WaitGraphView, WaitingView } from './views.ts'

type Waiting = z.output<typeof WaitingView>

export function graphText({ waiting, omitted, threads }: z.output<typeof WaitGraphView>): string {
  return lines([
    waiting === 0 ? 'Nothing waits, as far as it is traced.' : `${waiting} waiting, as far as it is traced:`,
    ...threads.map(sentence),
    ...(omitted > 0 ? [`and ${omitted} more`] : []),
  ])
}

export function chainText({ chain, end, deadlocks }: z.output<typeof WaitChainView>): string {
  return lines([...chain.map(sentence), endSentence(end), ...deadlocks.map((path) => `See ${path}.`)])
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${printable(line)}\n`).join('')
}

/** One sentence about the wait of one thread. */
export function sentence(waiting: Waiting): string {
  return `${waiting.path} (${waiting.name}) ${what(waiting)}, since ${waiting.since}`
}

function what({ state, object, owner, ownerState, likely }: Waiting): string {
  const who = owner ?? 'no living thread'
  const has = ownerState === 'DEAD' && owner !== null ? 'had when it ended' : 'has'
  if (object === null) return state === null ? 'is in a state that is not known' : `is ${state}`
  switch (state) {
    case 'MUTEX':
      return `waits for mutex ${object}, which ${who} ${has}`
    case 'CONDVAR':
      return `must take mutex ${object} again, which ${who} ${has}`
    case 'JOIN':
      return `waits for ${object} to end`
    case 'SEND':
      return `has sent to ${object}, where any thread of ${who} may receive`
    default:
      return `waits for a reply from ${object}, which any thread of ${who} may give${likely ? `, most likely ${likely}` : ''}`
  }
}

function endSentence(end: z.output<typeof WaitChainView>['end']): string {
  switch (end.how) {
    case 'runs':
      return `${end.thread} is ${end.state}: it can run.`
    case 'untraced':
      return `${end.thread} is ${end.state ?? 'in a state that is not known'}: who could end that is not traced.`
    case 'nobody':
      return 'Nobody can release it.'
    case 'loop':
      return `It leads back to ${end.thread}: a loop.`
    case 'any':
      return `Any of the ${end.threads} threads of ${end.process} can release it.`
    case 'long':
      return 'It goes on.'
  }
}

interface Edge {
  readonly from: string
  readonly to: string
  readonly label: string
  readonly isLikely: boolean
}

const nobody = 'nobody'

function edgesOf(waits: readonly Waiting[]): Edge[] {
  return waits.flatMap(({ path, state, object, owner, likely }) => {
    if (object === null) return []
    const label = state === 'JOIN' ? 'JOIN' : `${state} ${object}`
    const edge = { from: path, to: owner ?? nobody, label, isLikely: false }
    return likely === undefined ? [edge] : [edge, { ...edge, to: likely, label: 'most likely', isLikely: true }]
  })
}

/** The label of each node of the drawing. */
function labelsOf(waits: readonly Waiting[], edges: readonly Edge[]): Map<string, string> {
  const labels = new Map(edges.flatMap(({ from, to }) => [from, to]).map((path) => [path, path]))
  for (const { path, name } of waits) labels.set(path, `${name}\n${path}`)
  return labels
}

export function dotOf(waits: readonly Waiting[]): string {
  const quoted = (text: string) =>
    `"${text
      .split('\n')
      .map((line) => printable(line).replace(/["\\]/g, '\\$&'))
      .join('\\n')}"`
  const edges = edgesOf(waits)
  return lines([
    'digraph wait {',
    '  rankdir=LR',
    '  node [shape=box]',
    ...[...labelsOf(waits, edges)].map(([path, label]) => `  ${quoted(path)} [label=${quoted(label)}]`),
    ...edges.map(
      ({ from, to, label, isLikely }) =>
        `  ${quoted(from)} -> ${quoted(to)} [label=${quoted(label)}${isLikely ? ' style=dashed' : ''}]`,
    ),
    '}',
  ])
}

export function mermaidOf(waits: readonly Waiting[]): string {
  const quoted = (text: string) =>
    `"${text
      .split('\n')
      .map((line) => printable(line).replace(/[&"<>#`\\]/g, (char) => `#${char.codePointAt(0)};`))
      .join('<br>')}"`
  const edges = edgesOf(waits)
  const labels = labelsOf(waits, edges)
  const names = new Map([...labels.keys()].map((path, place) => [path, `n${place}`]))
  return lines([
    'flowchart LR',
    ...[...labels].map(([path, label]) => `  ${names.get(path)}[${quoted(label)}]`),
    ...edges.map(
      ({ from, to, label, isLikely }) =>
        `  ${names.get(from)} ${isLikely ? '-.->' : '-->'}|${quoted(label)}| ${names.get(to)}`,
    ),
  ])
}

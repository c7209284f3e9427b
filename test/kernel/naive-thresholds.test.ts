import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KernelError } from '../../src/kernel/errno.ts'
import type { KernelEvent } from '../../src/kernel/events.ts'
import { levels } from '../../src/kernel/limits/table.ts'
import { type Point, pointValue, type Threshold } from '../../src/kernel/limits/threshold.ts'
import { containers, type Node } from '../../src/kernel/objects/node.ts'
import { nodesWithin, partitionsWithin } from '../../src/kernel/objects/within.ts'
import { History, type Step, step } from './history.ts'
import { Bench } from './support.ts'

const put = fc
  .constantFrom(
    'fds' as const,
    'stack' as const,
    'connections' as const,
    'mutexes' as const,
    'threads' as const,
    'file-size' as const,
  )
  .chain((limit) =>
    fc.record({
      what: fc.constant('put' as const),
      limit: fc.constant(limit),
      node: fc.nat(20),
      per: fc.constantFrom(
        null,
        null,
        'process' as const,
        'partition' as const,
        limit === 'stack' || limit === 'mutexes' ? ('thread' as const) : null,
      ),
      at: fc.oneof({ weight: 5, arbitrary: fc.nat(20) }, fc.constantFrom('50%' as const, '90%' as const)),
      gap: fc.option(fc.integer({ min: 1, max: 5 }), { nil: null }),
      direction: fc.constantFrom('rising' as const, 'falling' as const),
      once: fc.nat(5).map((some) => some === 0),
    }),
  )
type Put = typeof put extends fc.Arbitrary<infer P> ? P : never

const turn = fc.oneof(
  { weight: 4, arbitrary: put },
  fc.record({ what: fc.constant('delete' as const), which: fc.nat(10) }),
  // Several things at one time are one change: thresholds see only what comes of them.
  {
    weight: 20,
    arbitrary: fc.record({
      what: fc.constant('change' as const),
      steps: fc.array(step, { minLength: 1, maxLength: 3 }),
    }),
  },
)

interface State {
  tripped: boolean
  fresh: boolean
  /** What was last looked at: a threshold looks when something of it changes. */
  saw: string
}

/** What page and rules say of thresholds, by looking at everything anew after every change. */
class Naive {
  readonly states = new Map<Threshold, Map<Node, State>>()
  readonly #bench: Bench

  constructor(bench: Bench) {
    this.#bench = bench
  }

  watched({ node, definition: { per } }: Threshold): Node[] {
    return per === null ? [node] : [...nodesWithin(node, per)]
  }

  put(threshold: Threshold): string[] {
    const states = new Map<Node, State>()
    for (const node of this.watched(threshold)) states.set(node, { tripped: false, fresh: true, saw: '' })
    this.states.set(threshold, states)
    return this.look([threshold])
  }

  delete(threshold: Threshold): string[] {
    const told = this.#clear(threshold, [...this.states.get(threshold)!.keys()], 'deleted')
    this.states.delete(threshold)
    return told
  }

  /** What a change did to who lives and where. The clears of those that ended are told while it goes on: not here. */
  follow({ ended, moved }: { ended: ReadonlySet<Node>; moved: ReadonlySet<Node> }): string[] {
    const told: string[] = []
    for (const [threshold, states] of this.states) {
      if (ended.has(threshold.node)) {
        this.states.delete(threshold)
        continue
      }
      const watched = new Set(this.watched(threshold))
      for (const node of ended) states.delete(node)
      told.push(
        ...this.#clear(
          threshold,
          [...states.keys()].filter((node) => !watched.has(node)),
          'filtered',
        ),
      )
      for (const node of states.keys()) if (!watched.has(node)) states.delete(node)
      for (const node of watched)
        if (!states.has(node)) states.set(node, { tripped: false, fresh: moved.has(node), saw: '' })
    }
    return told
  }

  look(thresholds: Iterable<Threshold> = this.states.keys()): string[] {
    const watches = [...thresholds].flatMap((threshold) =>
      [...this.states.get(threshold)!].map(([node, state]) => ({ threshold, node, state })),
    )
    return watches.sort(inOrder).flatMap(({ threshold, node, state }) => this.#look(threshold, node, state))
  }

  #look(threshold: Threshold, node: Node, state: State): string[] {
    const { usage, notifier } = this.#bench.kernel
    const { index, definition } = threshold
    const saw = JSON.stringify([usage.reading(node, index, false), String(usage.capacity(node, index))])
    if (saw === state.saw) return []
    state.saw = saw
    const now = notifier.read(node, index)
    const point = (at: Point | null) => pointValue(at!, usage.capacity(node, index), definition.direction)
    if (now.value === null || Number.isNaN(point(definition.at))) return []
    const rising = definition.direction === 'rising'
    const isPast = rising ? now.value >= point(definition.at) : now.value <= point(definition.at)
    const { fresh } = state
    state.fresh = false
    if (!state.tripped) {
      // What cannot be read might be more: it proves no fall.
      if (!isPast || (!rising && now.unreadable > 0)) return []
      state.tripped = true
      return [line('tripped', threshold, node, fresh ? ' initial' : '')]
    }
    if (definition.once || now.estimated > 0 || (rising && now.unreadable > 0)) return []
    const { rearm } = definition
    const isBack = rearm === null ? !isPast : rising ? now.value <= point(rearm) : now.value >= point(rearm)
    if (!isBack) return []
    state.tripped = false
    return [line('cleared', threshold, node, ' rearmed')]
  }

  #clear(threshold: Threshold, nodes: readonly Node[], reason: string): string[] {
    const states = this.states.get(threshold)!
    const tripped = nodes.filter((node) => states.get(node)?.tripped && !threshold.definition.once)
    return tripped.map((node) => line('cleared', threshold, node, ` ${reason}`))
  }
}

const line = (what: string, threshold: Threshold, node: Node, mark: string): string =>
  `${what} ${threshold.path} at ${node.path}/${threshold.limit}${mark}`

const depthOf = (node: Node): number => [...containers(node)].length

type Placed = { threshold: Threshold; node: Node }

/** The smallest container first, then by path. */
function inOrder(one: Placed, other: Placed): number {
  const level = levels.indexOf(one.node.level) - levels.indexOf(other.node.level)
  if (level !== 0) return level
  const depth = one.node.level === 'partition' ? depthOf(other.node) - depthOf(one.node) : 0
  if (depth !== 0) return depth
  if (one.node !== other.node) return one.node.path < other.node.path ? -1 : 1
  return one.threshold.path < other.threshold.path ? -1 : 1
}

function told(events: readonly KernelEvent[]): string[] {
  return events
    .filter(({ type }) => type.startsWith('threshold.'))
    .map(({ type, subject, data }) => {
      const mark = data.initial === true ? ' initial' : data.reason === undefined ? '' : ` ${String(data.reason)}`
      return `${type.slice('threshold.'.length)} ${String(data.threshold)} at ${subject}${mark}`
    })
}

const isJudged = (text: string): boolean => !/ (died|filtered|deleted)$/.test(text)

class Match {
  readonly bench = new Bench()
  readonly history = new History(this.bench)
  readonly naive = new Naive(this.bench)
  #puts = 0

  constructor() {
    this.bench.at(() => this.history.begin())
    this.events()
  }

  put({ limit, node, per, at, gap, direction, once }: Put): void {
    const { system, processes, notifier } = this.bench.kernel
    const all = [system, ...partitionsWithin(system), ...processes.values()]
    const place = all[node % all.length]!
    const rearm = gap === null || typeof at === 'string' ? null : direction === 'rising' ? at - gap : at + gap
    try {
      const { threshold } = this.bench.put(place, limit, `t${this.#puts++}`, { at, per, rearm, direction, once })
      expect(this.events()).toEqual(this.naive.put(threshold))
    } catch (error) {
      // Not every level has every limit, or something below it; and not every node has a capacity.
      if (!(error instanceof KernelError)) throw error
      expect(notifier.size).toBe(this.naive.states.size)
    }
  }

  delete(which: number): void {
    const thresholds = [...this.naive.states.keys()]
    const threshold = thresholds[which % Math.max(1, thresholds.length)]
    if (threshold === undefined) return
    this.bench.kernel.notifier.delete(threshold)
    expect(this.events().sort()).toEqual(this.naive.delete(threshold).sort())
  }

  change(steps: readonly Step[]): void {
    const { bench, history, naive } = this
    // An end tells what came before it: it is a change by itself.
    const isEnd = (one: Step) => one.what === 'end' || one.what === 'thread end' || one.what === 'sweep'
    const isBirth = (one: Step) => one.what === 'birth' || one.what === 'thread'
    const [first, ...rest] = steps as [Step, ...Step[]]
    // And whether one that moves there and back, or is born and moves, has come or gone is a matter of taste.
    const canFollow = (one: Step) => !isEnd(one) && one.what !== 'move' && !(first.what === 'move' && isBirth(one))
    const together = isEnd(first) ? [first] : [first, ...rest.filter(canFollow)]
    const wasTripped = new Set(
      [...naive.states].flatMap(([threshold, states]) =>
        [...states].flatMap(([node, state]) =>
          state.tripped && !threshold.definition.once ? [line('', threshold, node, '')] : [],
        ),
      ),
    )
    const silent = [...naive.states.keys()].filter((one) => one.definition.once).map(({ path }) => ` ${path} at `)
    const births = bench.at(() => together.map((one) => history.take(one)))
    const ended = new Set(births.flatMap((birth) => birth.ended))
    const moved = new Set(births.flatMap((birth) => birth.moved))
    const gone = [...ended].map(({ path }) => `${path}/`)
    const isOfGone = (text: string) => gone.some((path) => new RegExp(`at ${path}[^/]*( |$)`).test(text))
    const events = this.events()
    this.#expectCleared(events.filter(isOfGone), { wasTripped, silent })
    const expected = [...naive.follow({ ended, moved }), ...naive.look()]
    const actual = events.filter((text) => !isOfGone(text))
    expect([...actual].sort()).toEqual([...expected].sort())
    // An end is looked at in steps, each in order by itself.
    if (ended.size === 0) expect(actual.filter(isJudged)).toEqual(expected.filter(isJudged))
  }

  /** What ends while it is tripped is cleared, once; of one that is silent after its event nothing more is told. */
  #expectCleared(
    events: readonly string[],
    { wasTripped, silent }: { wasTripped: ReadonlySet<string>; silent: readonly string[] },
  ): void {
    const open = new Map<string, number>()
    for (const text of events) {
      const key = text.replace(/^(tripped|cleared)/, '').replace(/ (initial|rearmed|died)$/, '')
      if (silent.some((path) => key.startsWith(path))) expect(text).toMatch(/^tripped/)
      else open.set(key, (open.get(key) ?? Number(wasTripped.has(key))) + (text.startsWith('tripped') ? 1 : -1))
    }
    expect([...open].filter(([, count]) => count !== 0)).toEqual([])
  }

  events(): string[] {
    const lines = told(this.bench.events)
    this.bench.events = []
    return lines
  }
}

test('after any history the events are those of looking at every threshold anew after every change', () => {
  fc.assert(
    fc.property(fc.array(turn, { minLength: 60, maxLength: 120, size: 'max' }), (turns) => {
      const match = new Match()
      for (const one of turns) {
        if (one.what === 'put') match.put(one)
        else if (one.what === 'delete') match.delete(one.which)
        else match.change(one.steps)
      }
    }),
    { numRuns: 300 },
  )
})

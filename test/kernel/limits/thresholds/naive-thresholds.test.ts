/** Compares threshold events in random histories with a naive evaluation of all thresholds after every change. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KernelError } from '../../../../src/kernel/errno.ts'
import { levels } from '../../../../src/kernel/limits/limit-row.ts'
import type { Reading } from '../../../../src/kernel/limits/readings.ts'
import type { LimitName } from '../../../../src/kernel/limits/table.ts'
import {
  type Point,
  pointValue,
  type Threshold,
  type ThresholdDefinition,
} from '../../../../src/kernel/limits/thresholds/threshold.ts'
import { containers, type Node } from '../../../../src/kernel/nodes/node.ts'
import { processOf } from '../../../../src/kernel/nodes/owners.ts'
import { isAbsent } from '../../../../src/kernel/nodes/partition.ts'
import { nodesWithin, partitionsWithin } from '../../../../src/kernel/nodes/within.ts'
import type { AnyEvent } from '../../../support/any-event.ts'
import { History, type Step, step } from '../../history.ts'
import { Bench } from '../../support.ts'

const put = fc
  .constantFrom(
    'fds' as const,
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
      // Only descriptors have a capacity in these histories. It comes and goes, also under a tripped percentage.
      at: fc.oneof(
        { weight: 5, arbitrary: fc.nat(20) },
        { weight: limit === 'fds' ? 10 : 1, arbitrary: fc.constantFrom('50%' as const, '90%' as const) },
      ),
      gap: fc.option(fc.integer({ min: 1, max: 5 }), { nil: null }),
      direction: fc.constantFrom('rising' as const, 'falling' as const),
      once: fc.nat(5).map((some) => some === 0),
      wait: fc.constantFrom(null, null, '2ms', '5ms'),
      ttl: fc.constantFrom(null, null, null, '30ms'),
      renamed: fc.nat(3).map((some) => some === 0),
    }),
  )
const watch = fc.record({
  what: fc.constant('watch' as const),
  // No step changes more than one part of these limits at once.
  limit: fc.constantFrom('fds' as const, 'connections' as const),
  node: fc.nat(20),
  per: fc.constantFrom(null, null, 'process' as const, 'partition' as const),
  delta: fc.constantFrom(null, null, 3),
  every: fc.constantFrom(null, '1ms', '4ms'),
  ttl: fc.constantFrom(null, null, null, '30ms'),
})
type Watch = typeof watch extends fc.Arbitrary<infer W> ? W : never
type Put = typeof put extends fc.Arbitrary<infer P> ? P : never

const turn = fc.oneof(
  { weight: 4, arbitrary: put },
  { weight: 2, arbitrary: watch },
  fc.record({ what: fc.constant('delete' as const), which: fc.nat(10) }),
  fc.record({ what: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 8 }) }),
  fc.record({
    what: fc.constant('switch' as const),
    limit: fc.constantFrom(null, 'fds' as const, 'connections' as const),
    on: fc.nat(3).map((some) => some > 0),
  }),
  // Several steps at one time are one change: thresholds see only the result.
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
  /** Its reading was known at the last evaluation. */
  known: boolean
  /** An event reported that it is not known any more. */
  lost: boolean
  /** The last reading that was evaluated. A threshold is evaluated only when its reading changes. */
  reading: string
  /** When the value went past the point, if the threshold has `for`. */
  since: number | null
  /** For a threshold on changes: the value at the last step. */
  last: number
  /** The last reported value, and the time of that report. */
  reported: number | null
  reportedAt: number
  /** Number of changes since the last report. */
  changes: number
  unknown: boolean
  /** A change waits until `every` allows the next event. */
  waits: boolean
  /** Number of changes at the last evaluation. */
  seen: number
}

const ms = (duration: string | null): number => (duration === null ? 0 : Number.parseInt(duration, 10))

/** Evaluates thresholds as the design defines them, by looking at every threshold after every change. */
class Naive {
  readonly states = new Map<Threshold, Map<Node, State>>()
  readonly #bench: Bench
  readonly #expires = new Map<Threshold, number>()
  readonly #off = new Set<string>()
  #isOn = true

  constructor(bench: Bench) {
    this.#bench = bench
  }

  watched({ node, limit, definition: { per, where } }: Threshold): Node[] {
    if (!this.#isOn || this.#off.has(limit) || isAbsent(node)) return []
    const all = per === null ? [node] : [...nodesWithin(node, per)]
    return all.filter((each) => where === null || processOf(each)!.name.startsWith('q'))
  }

  #begin({ index }: Threshold, node: Node, fresh: boolean): State {
    const last = this.#bench.kernel.usage.value(node, index)
    const never = {
      reported: null,
      reportedAt: Number.NEGATIVE_INFINITY,
      changes: 0,
      unknown: true,
      waits: false,
      seen: 0,
    }
    return { tripped: false, fresh, known: false, lost: false, reading: '', since: null, last, ...never }
  }

  put(threshold: Threshold): string[] {
    this.#watch(threshold)
    const { ttl } = threshold.definition
    if (ttl !== null) this.#expires.set(threshold, this.#bench.kernel.now + ms(ttl))
    return this.look([threshold])
  }

  #watch(threshold: Threshold): void {
    const states = this.watched(threshold).map((node) => [node, this.#begin(threshold, node, true)] as const)
    this.states.set(threshold, new Map(states))
  }

  switch(limit: string | null, on: boolean): string[] {
    const isOn = ({ limit: of }: Threshold) => this.#isOn && !this.#off.has(of)
    const before = new Set([...this.states.keys()].filter(isOn))
    if (limit === null) this.#isOn = on
    else if (on) this.#off.delete(limit)
    else this.#off.add(limit)
    const lines: string[] = []
    const begun: Threshold[] = []
    for (const [threshold, states] of this.states) {
      if (!isOn(threshold)) {
        lines.push(...this.#clear(threshold, [...states.keys()], 'disabled'))
        states.clear()
      } else if (!before.has(threshold)) {
        this.#watch(threshold)
        begun.push(threshold)
      }
    }
    return [...lines, ...this.look(begun)]
  }

  /** Runs after each step of a change, because values that come and go within the change count too. */
  step(): void {
    for (const [{ index, definition }, states] of this.states)
      if (definition.on === 'change')
        for (const [node, state] of states) {
          if (node.slot < 0) continue
          const value = this.#bench.kernel.usage.value(node, index)
          if (value !== state.last) state.changes++
          state.last = value
        }
  }

  /** Lists the thresholds whose ttl is over. */
  ending(): string[] {
    const { now } = this.#bench.kernel
    return [...this.#expires].flatMap(([{ path }, at]) => (at <= now ? [path] : []))
  }

  /** Applies the passage of time: thresholds that expire come first, in the order in which they were set. */
  tick(): string[] {
    const { now } = this.#bench.kernel
    const lines: string[] = []
    for (const threshold of [...this.states.keys()])
      if ((this.#expires.get(threshold) ?? Number.POSITIVE_INFINITY) <= now) {
        lines.push(...this.#clear(threshold, [...this.states.get(threshold)!.keys()], 'expired'))
        this.states.delete(threshold)
      }
    for (const [threshold, states] of this.states)
      for (const [node, state] of states) {
        if (threshold.definition.on === 'change') {
          if (!state.waits || state.reportedAt + ms(threshold.definition.every) > now) continue
          state.waits = false
          lines.push(...this.#lookAtChange(threshold, node, state))
        }
        if (state.since !== null && state.since + ms(threshold.definition.for) <= now)
          lines.push(...this.#trip(threshold, node, state))
      }
    return lines
  }

  delete(threshold: Threshold): string[] {
    const lines = this.#clear(threshold, [...this.states.get(threshold)!.keys()], 'deleted')
    this.states.delete(threshold)
    return lines
  }

  /** Applies ends and moves of a change. The kernel clears ended nodes during the change, so those are not here. */
  follow({ ended, moved }: { ended: ReadonlySet<Node>; moved: ReadonlySet<Node> }): string[] {
    const lines: string[] = []
    for (const [threshold, states] of this.states) {
      if (ended.has(threshold.node)) {
        // Thresholds at a partition wait for the next one of that path.
        if (threshold.node.level === 'partition') this.states.get(threshold)!.clear()
        else {
          this.#expires.delete(threshold)
          this.states.delete(threshold)
        }
        continue
      }
      const watched = new Set(this.watched(threshold))
      for (const node of ended) states.delete(node)
      lines.push(
        ...this.#clear(
          threshold,
          [...states.keys()].filter((node) => !watched.has(node)),
          'filtered',
        ),
      )
      for (const node of states.keys()) if (!watched.has(node)) states.delete(node)
      for (const node of watched) {
        if (states.has(node)) continue
        const isFresh = moved.has(node) || node === threshold.node
        states.set(node, this.#begin(threshold, node, isFresh))
      }
    }
    return lines
  }

  look(thresholds: Iterable<Threshold> = this.states.keys()): string[] {
    const watches = [...thresholds].flatMap((threshold) =>
      [...this.states.get(threshold)!].map(([node, state]) => ({ threshold, node, state })),
    )
    return watches.sort(inOrder).flatMap(({ threshold, node, state }) => this.#look(threshold, node, state))
  }

  #trip(threshold: Threshold, node: Node, state: State): string[] {
    const { fresh } = state
    Object.assign(state, { tripped: true, fresh: false, since: null })
    return [line('tripped', threshold, node, fresh ? ' initial' : '')]
  }

  /** Only a loss has an event: a part that was not read yet is none. */
  #lose(threshold: Threshold, node: Node, state: State): string[] {
    const { usage, notifier } = this.#bench.kernel
    const { value, unreadable } = notifier.read(node, threshold.index)
    const isBoundless = value !== null && usage.capacity(node, threshold.index) === Number.POSITIVE_INFINITY
    const isLoss = (state.known && (value !== null || unreadable > 0)) || isBoundless
    state.known = false
    if (state.tripped || state.lost || !isLoss) return []
    state.lost = true
    const parts = usage.whyUnreadable(node, threshold.index) ?? `${unreadable} parts cannot be read`
    const isKnown = !Number.isNaN(usage.capacity(node, threshold.index))
    const capacity = isKnown ? 'it has no finite capacity' : 'its capacity cannot be read'
    return [line('unknown', threshold, node, ` ${value === null ? parts : capacity}`)]
  }

  #find(threshold: Threshold, node: Node, state: State): string[] {
    const { lost } = state
    Object.assign(state, { known: true, lost: false })
    return lost ? [line('known', threshold, node, '')] : []
  }

  #lookAtChange(threshold: Threshold, node: Node, state: State): string[] {
    const { value } = this.#bench.kernel.notifier.read(node, threshold.index)
    if (value === null) {
      state.unknown = true
      return this.#lose(threshold, node, state)
    }
    return [...this.#find(threshold, node, state), ...this.#change(threshold, node, state, value)]
  }

  #change(threshold: Threshold, node: Node, state: State, value: number): string[] {
    const { kernel } = this.#bench
    const { delta, every } = threshold.definition
    if (state.unknown) {
      state.unknown = false
      state.reported ??= value
      state.changes = Number(value !== state.reported)
      state.seen = state.changes
    }
    const { reported, changes, reportedAt } = state
    if (changes === 0 || Math.abs(value - reported!) < (delta ?? 0)) return []
    if (kernel.now < reportedAt + ms(every)) {
      state.waits = true
      return []
    }
    Object.assign(state, { reported: value, reportedAt: kernel.now, changes: 0, seen: 0, waits: false })
    return [line('changed', threshold, node, ` from ${reported} to ${value} in ${changes}`)]
  }

  #look(threshold: Threshold, node: Node, state: State): string[] {
    const { usage, notifier } = this.#bench.kernel
    const { index, definition } = threshold
    const reading = JSON.stringify([notifier.read(node, index), String(usage.capacity(node, index))])
    const before = state.reading
    state.reading = reading
    if (definition.on === 'change') {
      const hasChanged = reading !== before || state.changes !== state.seen
      state.seen = state.changes
      return hasChanged ? this.#lookAtChange(threshold, node, state) : []
    }
    if (reading === before) return []
    const now = notifier.read(node, index)
    const point = (at: Point | null) => pointValue(at!, usage.capacity(node, index), definition.direction)
    const { value } = now
    const isBoundless = definition.per === null && Math.abs(point(definition.at)) === Number.POSITIVE_INFINITY
    if (value === null || Number.isNaN(point(definition.at)) || (isBoundless && !state.tripped)) {
      state.since = null
      return this.#lose(threshold, node, state)
    }
    return [...this.#find(threshold, node, state), ...this.#cross(threshold, node, state, { ...now, value })]
  }

  #cross(threshold: Threshold, node: Node, state: State, now: Reading & { value: number }): string[] {
    const { definition, index } = threshold
    const { usage } = this.#bench.kernel
    const point = (at: Point | null) => pointValue(at!, usage.capacity(node, index), definition.direction)
    const rising = definition.direction === 'rising'
    const isPast = rising ? now.value >= point(definition.at) : now.value <= point(definition.at)
    if (!state.tripped) {
      // An unreadable part might hold more, so the sum proves no fall.
      if (!isPast || (!rising && now.unreadable > 0)) {
        Object.assign(state, { fresh: false, since: null })
        return []
      }
      if (definition.for === null) return this.#trip(threshold, node, state)
      state.since ??= this.#bench.kernel.now
      return []
    }
    if (definition.once || now.estimated > 0 || (rising && now.unreadable > 0)) return []
    const { rearm } = definition
    // Without a capacity it is not known whether usage is back.
    if (Math.abs(point(rearm ?? definition.at)) === Number.POSITIVE_INFINITY) return []
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

/** Orders the smallest container first, then by path. */
function inOrder(one: Placed, other: Placed): number {
  const level = levels.indexOf(one.node.level) - levels.indexOf(other.node.level)
  if (level !== 0) return level
  const depth = one.node.level === 'partition' ? depthOf(other.node) - depthOf(one.node) : 0
  if (depth !== 0) return depth
  if (one.node !== other.node) return one.node.path < other.node.path ? -1 : 1
  return one.threshold.path < other.threshold.path ? -1 : 1
}

function linesOf(events: readonly AnyEvent[]): string[] {
  return events
    .filter(({ type }) => type.startsWith('threshold.') || type === 'limit.changed')
    .map(({ type, subject, data }) => {
      const { threshold, from, value, changes } = data
      if (type === 'limit.changed') return `changed ${threshold} at ${subject} from ${from} to ${value} in ${changes}`
      const mark = data.initial === true ? ' initial' : data.reason === undefined ? '' : ` ${String(data.reason)}`
      return `${type.slice('threshold.'.length)} ${String(data.threshold)} at ${subject}${mark}`
    })
}

const isJudged = (text: string): boolean =>
  !text.startsWith('changed') && !/ (died|gone|filtered|deleted|expired|disabled)$/.test(text)

/** The rearm point on the safe side. Of two percentages only one is on the safe side of the other. */
function rearmOf(at: Put['at'], direction: Put['direction'], gap: number): Point | null {
  const rising = direction === 'rising'
  if (typeof at === 'number') return rising ? at - gap : at + gap
  if (rising) return at === '90%' ? '50%' : null
  return at === '50%' ? '90%' : null
}

class Match {
  readonly bench = new Bench()
  readonly history = new History(this.bench)
  readonly naive = new Naive(this.bench)
  #puts = 0

  constructor() {
    this.bench.at(() => this.history.begin())
    this.events()
  }

  put({ limit, node, per, at, gap, direction, once, wait, ttl, renamed }: Put): void {
    const rearm = gap === null ? null : rearmOf(at, direction, gap)
    const canFilter = renamed && (per === 'process' || per === 'thread')
    const where = canFilter ? { name: 'q*', uid: null, partition: null } : null
    this.#put(limit, node, { at, per, rearm, direction, once, for: wait, ttl, where })
  }

  watch({ limit, node, per, delta, every, ttl }: Watch): void {
    this.#put(limit, node, { on: 'change', per, delta, every, ttl })
  }

  #put(limit: LimitName, node: number, definition: Partial<ThresholdDefinition>): void {
    const { system, processes, notifier } = this.bench.kernel
    const all = [system, ...partitionsWithin(system), ...processes.values()]
    const place = all[node % all.length]!
    try {
      const { threshold } = this.bench.put(place, limit, `t${this.#puts++}`, definition)
      expect(this.events()).toEqual(this.naive.put(threshold))
    } catch (error) {
      // Some levels lack the limit or have nothing below them, and some nodes have no capacity.
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

  switch(limit: LimitName | null, on: boolean): void {
    this.bench.kernel.notifier.switch(limit === null ? null : this.bench.index(limit), on)
    expect(this.events().sort()).toEqual(this.naive.switch(limit, on).sort())
  }

  pass(duration: number): void {
    for (let passed = 0; passed < duration; passed++) {
      this.bench.at(() => {})
      this.#tick()
    }
  }

  /** The order of due and expiring thresholds at one time is not defined, so sorted events are compared. */
  #tick(): void {
    this.bench.expire()
    expect(this.events().sort()).toEqual(this.naive.tick().sort())
  }

  change(steps: readonly Step[]): void {
    const { bench, history, naive } = this
    // An end emits the results of earlier steps, so it is a change by itself.
    const isEnd = (one: Step) => one.what === 'end' || one.what === 'thread end' || one.what === 'sweep'
    const isBirth = (one: Step) => one.what === 'birth' || one.what === 'thread'
    const isMove = (one: Step) => one.what === 'move' || one.what === 'rename'
    const [first, ...rest] = steps as [Step, ...Step[]]
    // Nor is it defined whether a node that moves there and back, or is born and moves, has come or gone.
    const canFollow = (one: Step) => !isEnd(one) && !isMove(one) && !(isMove(first) && isBirth(one))
    const together = isEnd(first) ? [first] : [first, ...rest.filter(canFollow)]
    const wasTripped = new Set(
      [...naive.states].flatMap(([threshold, states]) =>
        [...states].flatMap(([node, state]) =>
          state.tripped && !threshold.definition.once ? [line('', threshold, node, '')] : [],
        ),
      ),
    )
    const silent = [...naive.states.keys()].filter((one) => one.definition.once).map(({ path }) => ` ${path} at `)
    const births = bench.at(() =>
      together.map((one) => {
        const birth = history.take(one)
        naive.step()
        return birth
      }),
    )
    const ended = new Set(births.flatMap((birth) => birth.ended))
    const moved = new Set(births.flatMap((birth) => birth.moved))
    const gone = [...ended].map(({ path }) => `${path}/`)
    const isOfGone = (text: string) => gone.some((path) => new RegExp(`at ${path}[^/]*( |$)`).test(text))
    const events = this.events()
    this.#expectCleared(events.filter(isOfGone), { wasTripped, silent })
    const expected = [...naive.follow({ ended, moved }), ...naive.look()]
    const actual = events.filter((text) => !isOfGone(text))
    // A delayed change may come with other events or when its time is over, which is the same time. If its threshold
    // expires at that time, it may not come at all.
    const ending = naive.ending()
    const isCertain = (text: string) => !ending.some((path) => text.startsWith(`changed ${path} `))
    bench.expire()
    const all = [...actual, ...this.events()].filter(isCertain)
    expect(all.sort()).toEqual([...expected, ...naive.tick()].filter(isCertain).sort())
    // An end is evaluated in several steps, and only each step has an order.
    if (ended.size === 0) expect(actual.filter(isJudged)).toEqual(expected.filter(isJudged))
  }

  /** Expects one clear for each tripped node that ends. After the event of a `once` threshold nothing more may come. */
  #expectCleared(
    events: readonly string[],
    { wasTripped, silent }: { wasTripped: ReadonlySet<string>; silent: readonly string[] },
  ): void {
    const open = new Map<string, number>()
    for (const text of events) {
      if (/^(changed|unknown|known)/.test(text)) continue
      const key = text.replace(/^(tripped|cleared)/, '').replace(/ (initial|rearmed|died|gone)$/, '')
      if (silent.some((path) => key.startsWith(path))) expect(text).toMatch(/^tripped/)
      else open.set(key, (open.get(key) ?? Number(wasTripped.has(key))) + (text.startsWith('tripped') ? 1 : -1))
    }
    expect([...open].filter(([, count]) => count !== 0)).toEqual([])
  }

  events(): string[] {
    const lines = linesOf(this.bench.events)
    this.bench.events = []
    return lines
  }
}

test('after any history the events match a naive evaluation of every threshold after every change', () => {
  fc.assert(
    fc.property(fc.array(turn, { minLength: 60, maxLength: 120, size: 'max' }), (turns) => {
      const match = new Match()
      for (const one of turns) {
        if (one.what === 'put') match.put(one)
        else if (one.what === 'watch') match.watch(one)
        else if (one.what === 'delete') match.delete(one.which)
        else if (one.what === 'pass') match.pass(one.ms)
        else if (one.what === 'switch') match.switch(one.limit, one.on)
        else match.change(one.steps)
      }
    }),
    { numRuns: 300 },
  )
})

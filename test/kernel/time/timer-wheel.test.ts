/** The timer wheel of the kernel, compared with a sorted list after random histories. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TimerWheel, WheelTimer } from '../../../src/kernel/time/timer-wheel.ts'

class Named extends WheelTimer {
  readonly name: string

  constructor(name: string) {
    super()
    this.name = name
  }
}

const yearMs = 365 * 24 * 3600 * 1000

function wheelAt(now: number) {
  const wheel = new TimerWheel<Named>(now)
  const fired: string[] = []
  return {
    wheel,
    arm: (name: string, at: number) => {
      const timer = new Named(name)
      wheel.arm(timer, at)
      return timer
    },
    advance: (to: number) => {
      fired.length = 0
      wheel.advance(to, ({ name, at }) => fired.push(`${name}@${at}`))
      return [...fired]
    },
  }
}

describe('a timer wheel', () => {
  test('fires due timers by expiry, and those with one expiry in the order of arming', () => {
    const { arm, advance } = wheelAt(0)
    arm('late', 300)
    arm('b', 200)
    arm('a', 100)
    arm('b2', 200)
    expect(advance(99)).toEqual([])
    expect(advance(200)).toEqual(['a@100', 'b@200', 'b2@200'])
    expect(advance(1_000)).toEqual(['late@300'])
  })

  test('preserves the order of timers with one expiry, however far away they were when they were armed', () => {
    const at = 2 ** 32 + 70_000
    const { arm, advance } = wheelAt(0)
    for (const [order, now] of [0, 2 ** 31, 2 ** 32, at - 300, at - 1].entries()) {
      advance(now)
      arm(`${order}`, at)
    }
    expect(advance(at)).toEqual([0, 1, 2, 3, 4].map((order) => `${order}@${at}`))
  })

  test('never fires a cancelled timer, and fires a rearmed one only at its new time, last of its equals', () => {
    const { wheel, arm, advance } = wheelAt(0)
    const [gone, moved] = [arm('gone', 50), arm('moved', 50)]
    arm('stays', 60)
    wheel.cancel(gone)
    wheel.cancel(gone)
    wheel.arm(moved, 60)
    expect([gone.isArmed, moved.isArmed, wheel.nextAt()]).toEqual([false, true, 60])
    expect(advance(100)).toEqual(['stays@60', 'moved@60'])
    expect([moved.isArmed, wheel.nextAt()]).toEqual([false, null])
  })

  test('fires a timer set in the past at the next advance, or after its equals in the current one', () => {
    const { wheel, arm, advance } = wheelAt(1_000)
    arm('past', 3)
    expect(wheel.nextAt()).toBe(1_000)
    expect(advance(1_000)).toEqual(['past@1000'])
    arm('first', 1_010)
    arm('second', 1_010)
    arm('later', 1_011)
    const fired: string[] = []
    wheel.advance(1_020, ({ name, at }) => {
      fired.push(`${name}@${at}`)
      if (name === 'first') arm('from the past', 5)
    })
    expect(fired).toEqual(['first@1010', 'second@1010', 'from the past@1010', 'later@1011'])
  })

  test('repeats a timer that arms itself as it fires, and shows the time of each firing', () => {
    const { wheel, arm } = wheelAt(0)
    arm('tick', 100)
    const times: number[] = []
    wheel.advance(350, (timer) => {
      times.push(wheel.now)
      wheel.arm(timer, wheel.now + 100)
    })
    expect([times, wheel.now, wheel.nextAt()]).toEqual([[100, 200, 300], 350, 400])
  })

  test('passes ten thousand years at once, whatever is armed on the way', () => {
    const start = 1_700_000_000_000
    const { arm, advance } = wheelAt(start)
    const years = [1, 100, 9_999]
    for (const year of years) arm(`${year}`, start + year * yearMs)
    expect(advance(start + 10_000 * yearMs)).toEqual(years.map((year) => `${year}@${start + year * yearMs}`))
  })

  test('passes the error of a timer to the caller, and the others still fire', () => {
    const { wheel, arm, advance } = wheelAt(0)
    arm('bad', 10)
    arm('good', 10)
    expect(() =>
      wheel.advance(20, () => {
        throw new Error('oops')
      }),
    ).toThrow('oops')
    expect(advance(20)).toEqual(['good@10'])
  })

  test('asserts that time never runs backwards, is a whole number of ms, and is not advanced within an advance', () => {
    const { wheel, arm } = wheelAt(100)
    expect(() => wheel.advance(99, () => {})).toThrow(/forwards/)
    for (const at of [Number.NaN, Number.POSITIVE_INFINITY, 100.5]) expect(() => arm('x', at)).toThrow(/whole ms/)
    arm('inner', 100)
    expect(() => wheel.advance(100, () => wheel.advance(100, () => {}))).toThrow(/not advanced/)
  })
})

/** Distances on both sides of every boundary of the wheel. */
const distance = fc.oneof(
  fc.nat(3),
  fc.nat(600),
  fc.integer({ min: -5, max: 5 }).chain((off) => fc.constantFrom(...[8, 16, 24, 32].map((bits) => 2 ** bits + off))),
  fc.nat(2 ** 26),
  fc.integer({ min: 0, max: 2 ** 34 }),
)
const timersMax = 8
const which = fc.nat(timersMax - 1)
const act = fc.oneof(
  fc.record({ what: fc.constant('arm' as const), which, after: distance }),
  fc.record({ what: fc.constant('arm past' as const), which, before: fc.nat(1_000) }),
  fc.record({ what: fc.constant('cancel' as const), which }),
)
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never
const step = fc.oneof(
  { weight: 3, arbitrary: act },
  // The actions of the first few timers that fire, one for each.
  fc.record({ what: fc.constant('advance' as const), by: distance, turns: fc.array(act, { maxLength: 4 }) }),
)

/** The same behaviour from a list that is sorted again for every timer that fires. */
class SortedList {
  now: number
  armed: { name: string; at: number; order: number }[] = []
  #order = 0

  constructor(now: number) {
    this.now = now
  }

  arm(name: string, at: number): void {
    this.cancel(name)
    this.armed.push({ name, at: Math.max(at, this.now), order: this.#order++ })
  }

  cancel(name: string): void {
    this.armed = this.armed.filter((one) => one.name !== name)
  }

  first() {
    return [...this.armed].sort((a, b) => a.at - b.at || a.order - b.order)[0]
  }

  advance(now: number, fire: (name: string) => void): void {
    for (let due = this.first(); due !== undefined && due.at <= now; due = this.first()) {
      this.now = due.at
      this.cancel(due.name)
      fire(due.name)
    }
    this.now = now
  }
}

test('after any history the wheel has fired the same timers in the same order as a sorted list', () => {
  const start = fc.constantFrom(0, 2 ** 32 - 3, 1_700_000_000_000, 2 ** 24 - 1)
  fc.assert(
    fc.property(start, fc.array(step, { minLength: 5, maxLength: 80, size: 'max' }), (now, history) => {
      const wheel = new TimerWheel<Named>(now)
      const list = new SortedList(now)
      const timers = Array.from({ length: timersMax }, (_, place) => new Named(`${place}`))
      const onWheel = (one: Act) => {
        const timer = timers[one.which]!
        if (one.what === 'cancel') wheel.cancel(timer)
        else wheel.arm(timer, one.what === 'arm' ? wheel.now + one.after : wheel.now - one.before)
      }
      const onList = (one: Act) => {
        const name = `${one.which}`
        if (one.what === 'cancel') list.cancel(name)
        else list.arm(name, one.what === 'arm' ? list.now + one.after : list.now - one.before)
      }
      for (const one of history) {
        if (one.what !== 'advance') {
          onWheel(one)
          onList(one)
        } else {
          const [fired, expected]: [string[], string[]] = [[], []]
          const to = wheel.now + one.by
          wheel.advance(to, (timer) => {
            const turn = one.turns[fired.length]
            fired.push(`${timer.name} at ${wheel.now}`)
            if (turn !== undefined) onWheel(turn)
          })
          list.advance(to, (name) => {
            const turn = one.turns[expected.length]
            expected.push(`${name} at ${list.now}`)
            if (turn !== undefined) onList(turn)
          })
          expect(fired).toEqual(expected)
        }
        expect(wheel.nextAt()).toBe(list.first()?.at ?? null)
        expect(timers.filter(({ isArmed }) => isArmed).map(({ name }) => name)).toEqual(
          list.armed.map(({ name }) => name).sort(),
        )
      }
    }),
    { numRuns: 300 },
  )
})

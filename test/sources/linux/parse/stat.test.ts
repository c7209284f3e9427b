/** Parsing of `/proc/P/stat`. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyStat, nameOfStat, parseStat } from '../../../../src/sources/linux/parse/stat.ts'

const rest =
  'S 4345 4345 3787 34816 -1 4194368 174 447 0 5 0 0 0 0 20 0 3 0 194958 4595712 440 18446744073709551615 1 1 0 0'

const parse = (bytes: Buffer) => {
  const stat = emptyStat()
  return parseStat(bytes, bytes.length, stat) ? { ...stat, name: nameOfStat(bytes, stat) } : null
}
const withName = (name: string | Buffer) =>
  Buffer.concat([Buffer.from('4347 ('), Buffer.from(name), Buffer.from(`) ${rest}\n`)])

describe('stat', () => {
  test('gives pid, name, state, parent, priority, threads and start ticks', () => {
    expect(parse(withName('bash'))).toMatchObject({
      pid: 4347,
      name: 'bash',
      state: 'S',
      parent: 4345,
      kernelThread: false,
      priority: 20,
      threads: 3,
      startTicks: 194958,
    })
  })

  test.each([
    ['a b', 'a b'],
    [') R 1 2 3 (', ') R 1 2 3 ('],
    ['x)\ny', 'x)\ny'],
    ['', ''],
    ['))))', '))))'],
    ['é日', 'é日'],
    [Buffer.from([0x61, 0xff, 0xc3]), 'a\\xff\\xc3'],
  ])('the name lies between the first parenthesis and the last: %j', (name, text) => {
    expect(parse(withName(name))).toMatchObject({ name: text, state: 'S', startTicks: 194958 })
  })

  test('no name changes the fields after it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 15 }), (name) => {
        const stat = parse(withName(Buffer.from(name)))
        expect(stat).toMatchObject({ pid: 4347, parent: 4345, startTicks: 194958 })
      }),
    )
  })

  test('a real-time priority is below zero, and PF_KTHREAD marks a kernel thread', () => {
    const line = Buffer.from('12 (migration/0) S 2 0 0 0 -1 69238848 0 0 0 0 0 0 0 0 -100 0 1 0 7 0 0')
    expect(parse(line)).toMatchObject({ priority: -100, kernelThread: true, startTicks: 7 })
  })

  test.each([
    ['PF_IO_WORKER and PF_USER_WORKER', 4210768, true],
    ['PF_IO_WORKER alone, as before Linux 6.4', 4194384, true],
    ['PF_USER_WORKER alone', 4210752, true],
    ['neither', 4194368, false],
  ])('flags with %s (%i) mark a thread that may be a worker of the kernel', (_, flags, mayBeWorker) => {
    const line = Buffer.from(`12 (iou-sqp-9) S 2 0 0 0 -1 ${flags} 0 0 0 0 0 0 0 0 20 0 1 0 7 0 0`)
    expect(parse(line)).toMatchObject({ mayBeWorker, kernelThread: false })
  })

  test.each(['', '12', '12 (a', '12 (a)', '12 (a) S', '12 (a) S 1 2 3'])('truncated text is rejected: %j', (text) => {
    expect(parse(Buffer.from(text))).toBeNull()
  })

  test('bytes beyond the length are not read', () => {
    const line = withName('bash')
    const stat = emptyStat()
    expect(parseStat(Buffer.concat([line, Buffer.from(') Z 1')]), line.length, stat)).toBe(true)
    expect(stat.state).toBe('S')
  })
})

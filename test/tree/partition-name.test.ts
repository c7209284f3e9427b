/** Tests the names of partitions for people, and the segments of pathnames. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalPath, pathSegment } from '../../src/kernel/nodes/path-segment.ts'
import { partitionName, partitionPath } from '../../src/tree/partition-name.ts'

test('a segment encodes only what RFC 3986 does not allow in one', () => {
  const allowed = "user@1000.service:a!$&'()*+,;=~_-"
  expect(pathSegment(allowed)).toBe(allowed)
  expect(pathSegment('a/b %?#é\\')).toBe('a%2Fb%20%25%3F%23%C3%A9%5C')
})

test('the canonical form of a path decodes what needs no escape', () => {
  expect(canonicalPath('/sys/part/user%401000.service/part/a%2fb%2A')).toBe('/sys/part/user@1000.service/part/a%2Fb*')
  expect(canonicalPath('/sys/part/100%')).toBe('/sys/part/100%')
})

test('names have no escapes but for separators, and each means the same partition again', () => {
  expect(partitionName('/sys/part/user.slice/part/user@1000.service')).toBe('user.slice/user@1000.service')
  expect(partitionName('/sys/part/part/part/part')).toBe('part/part')
  expect(partitionName('/sys/part/a%20b%5Cx2d/part/c%2Fd')).toBe('a b\\x2d/c%2Fd')
  const name = fc.string({ minLength: 1, maxLength: 9 }).filter((text) => text.isWellFormed())
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 3 }), (names) => {
      const path = `/sys${names.map((each) => `/part/${pathSegment(each)}`).join('')}`
      expect(partitionPath(partitionName(path))).toBe(path)
      expect(partitionPath(path)).toBe(path)
      expect(canonicalPath(path)).toBe(path)
    }),
  )
})

/** Tests what is concluded from files that are there and cannot be read. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findWhyNoOwners } from '../../../../src/sources/linux/scan/kernel-features.ts'

let procRoot: string

beforeEach(() => {
  procRoot = mkdtempSync(join(tmpdir(), 'introspectd-features-'))
})

afterEach(() => rmSync(procRoot, { recursive: true }))

test('a schedstat that cannot be read counts as one that is not there', () => {
  const namespace = { isProc: true, selfPid: 7, isOwn: true }
  const absent = findWhyNoOwners(procRoot, namespace)
  // Reading a directory fails, also for root.
  mkdirSync(join(procRoot, '7/schedstat'), { recursive: true })
  expect(findWhyNoOwners(procRoot, namespace)).toBe(absent)
})

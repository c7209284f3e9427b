/** Causes for which the kernel does not permit a reading, derived from credentials and settings. */

import { describe, expect, test } from 'vitest'
import { parseCredentials } from '../../../../src/sources/linux/parse/credentials.ts'
import { denialOf, denialWithout, type Surroundings } from '../../../../src/sources/linux/parse/denial.ts'

const ptrace = 1n << 19n
const search = 1n << 2n
const resource = 1n << 24n
const all = (1n << 41n) - 1n

function credentials(uid: number, capabilities = 0n) {
  const [ids, mask] = [Array(4).fill(uid).join('\t'), capabilities.toString(16).padStart(16, '0')]
  return parseCredentials(`Name:\tx\nUid:\t${ids}\nGid:\t${ids}\nCapPrm:\t${mask}\nCapEff:\t${mask}\nCapBnd:\t0\n`)
}

function service(uid: number, capabilities: bigint, others: Partial<Surroundings> = {}): Surroundings {
  const own = credentials(uid, capabilities)
  return { own, isInitialUserNamespace: true, yamaScope: null, securityLabel: null, ...others }
}

function target(uid: number, capabilities = 0n, fileOwner = uid) {
  return { credentials: credentials(uid, capabilities), fileOwner }
}

describe('the reason of a denial', () => {
  test.each([
    [
      'another user without capabilities',
      target(0),
      service(1000, 0n),
      ': needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH',
    ],
    ['another user with one capability', target(0), service(1000, search), ': needs CAP_SYS_PTRACE'],
    ['another user with the other one', target(0), service(1000, ptrace), ': needs CAP_DAC_READ_SEARCH'],
    [
      'the same user under Yama',
      target(1000),
      service(1000, 0n, { yamaScope: 1 }),
      ': Yama permits it only with CAP_SYS_PTRACE (kernel.yama.ptrace_scope is 1)',
    ],
    [
      'root under the strictest setting of Yama',
      target(1000),
      service(0, all, { yamaScope: 3 }),
      ': Yama permits it to nobody (kernel.yama.ptrace_scope is 3)',
    ],
    [
      'root and a process with one capability more',
      target(0, all),
      service(0, all & ~resource),
      ', although the service has CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH: unknown why. The process has capabilities that the service lacks: CAP_SYS_RESOURCE',
    ],
    [
      'root in a user namespace',
      target(65_534, all),
      service(0, all, { isInitialUserNamespace: false }),
      ', although the service has CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH: they hold only in its own user namespace (PrivateUsers=, or a rootless container)',
    ],
    [
      'root with a profile of a security module',
      target(0),
      service(0, all, { securityLabel: 'docker-default (enforce)' }),
      ', although the service has CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH: unknown why, perhaps by the security module, which labels it docker-default (enforce)',
    ],
    [
      'the same user and a process that is not dumpable',
      target(1000, 0n, 0),
      service(1000, 0n, { yamaScope: 1 }),
      ': the process is not dumpable, as after a change of its user or with capabilities of its file: needs CAP_SYS_PTRACE',
    ],
    [
      'the same user and a process with capabilities',
      target(1000, resource),
      service(1000, 0n),
      ': the process has capabilities that the service lacks (CAP_SYS_RESOURCE): needs these or CAP_SYS_PTRACE',
    ],
    ['the same user and nothing else', target(1000), service(1000, 0n), ', unknown why. It may need CAP_SYS_PTRACE'],
    ['a process that has ended', null, service(1000, 0n), ': needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH'],
  ])('is the one that applies: %s', (_, process, surroundings, reason) => {
    expect(denialOf(process, surroundings)).toBe(`permission denied${reason}`)
  })

  test('does not name a capability that the service has', () => {
    expect(denialWithout(['CAP_NET_ADMIN'], service(1000, 0n))).toBe('permission denied: needs CAP_NET_ADMIN')
    expect(denialWithout(['CAP_NET_ADMIN'], service(0, all))).toBe(
      'permission denied, although the service has CAP_NET_ADMIN: unknown why',
    )
    expect(denialWithout(['CAP_NET_ADMIN'], service(0, all, { isInitialUserNamespace: false }))).toContain(
      'only in its own user namespace',
    )
  })
})

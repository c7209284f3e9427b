/** Finds a user by name, for commands that run as this user. */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** Null where there is no such user. Users of directories such as LDAP are found by `getent`, where it is installed. */
export function findUser(name: string, passwd = '/etc/passwd'): SystemUser | null {
  const lines = readFileSync(passwd, 'utf8').split('\n')
  return parseUser(lines.find((line) => line.startsWith(`${name}:`)) ?? entryOf(name))
}

function entryOf(name: string): string {
  try {
    return execFileSync('getent', ['passwd', '--', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    // It ends with an error if there is no such user, and it may not be installed.
    return ''
  }
}

function parseUser(line: string): SystemUser | null {
  const [name, , uid, gid, , home] = line.trim().split(':')
  if (name === undefined || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) return null
  return { name, uid: Number(uid), gid: Number(gid), home: home || '/' }
}

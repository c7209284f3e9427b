/**
 * Finds the least role that a request needs, and checks a token against a role. The role is read from the rows, and
 * only the first line of the request is used for it.
 */

import type { Definition } from '../tree/definition.ts'
import { rowOfShape } from '../tree/resolve.ts'
import { includesRole, type Role } from '../tree/role.ts'
import type { LinesVerb, Verb } from '../tree/verb.ts'
import { Problem } from './problems.ts'
import type { NeededRole } from './service-route.ts'
import { serviceRouteAt } from './service-routes.ts'

/**
 * The roles of methods that the row does not have: such a request is refused by role before it is answered 404 or 405.
 */
const leastRoles: Readonly<Record<string, Role>> = {
  PUT: 'control',
  DELETE: 'control',
  POST: 'operate',
  PATCH: 'operate',
}

const treePath = /^\/sys(?:\/|$)/

export function isInTree(path: string): boolean {
  return treePath.test(path)
}

/** @param path without its query */
export function accessOf(method: string, path: string): NeededRole {
  if (!isInTree(path)) return accessOfService(method, path)
  const least = leastRoles[method]
  const row = rowOfShape(path)
  if (least === undefined) return row?.readRole ?? 'read'
  return (row === null ? undefined : verbOf(row, method))?.role ?? least
}

function accessOfService(method: string, path: string): NeededRole {
  const route = serviceRouteAt(path)
  if (route === null) return 'read'
  const { GET, PUT, DELETE } = route.verbs
  const verb = (method === 'PUT' && PUT) || (method === 'DELETE' && DELETE) || GET
  return verb?.access ?? 'read'
}

function verbOf({ put, post, postLines, remove }: Definition, method: string): Verb | LinesVerb | undefined {
  if (method === 'PUT') return put
  if (method === 'DELETE') return remove
  return method === 'POST' ? (post ?? postLines) : undefined
}

/** @param token null where the service runs without tokens, and everything is allowed @throws Problem */
export function requireRole(token: { readonly name: string; readonly role: Role } | null, needed: Role): void {
  if (token === null || includesRole(token.role, needed)) return
  throw new Problem('forbidden', `the token ${token.name} has the role ${token.role}; this needs ${needed}`)
}

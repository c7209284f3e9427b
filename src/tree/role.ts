/**
 * Defines the roles that a token can have. Each row of the tree, and each route outside it, names the role that it
 * needs.
 */

/** From the least to the most: each role includes those before it. */
export const roles = ['read', 'control', 'operate'] as const
export type Role = (typeof roles)[number]

export function includesRole(held: Role, needed: Role): boolean {
  return roles.indexOf(held) >= roles.indexOf(needed)
}

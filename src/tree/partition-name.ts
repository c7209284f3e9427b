/** Writes partitions for people, as names without escapes: `user.slice/user@1000.service`. */

import { canonicalPath, pathSegment } from '../kernel/nodes/path-segment.ts'

/** A name that contains a slash or a percent sign stays encoded, so that the text means one partition. */
export function partitionName(path: string): string {
  return path
    .split('/')
    .filter((_, place) => place > 2 && place % 2 === 1)
    .map(decodedUnlessAmbiguous)
    .join('/')
}

function decodedUnlessAmbiguous(segment: string): string {
  try {
    const name = decodeURIComponent(segment)
    return /[/%]/.test(name) ? segment : name
  } catch (error) {
    if (error instanceof URIError) return segment
    throw error
  }
}

/** The pathname of a partition as people write it: the pathname itself, or the name. */
export function partitionPath(typed: string): `/sys/part/${string}` {
  if (typed.startsWith('/sys/part/'))
    return `/sys/part/${canonicalPath(typed.slice('/sys/part/'.length).replace(/\/$/, ''))}`
  const names = typed.split('/').filter((name) => name !== '')
  return `/sys/part/${names.map((name) => (isEscaped(name) ? name : pathSegment(name))).join('/part/')}`
}

function isEscaped(name: string): boolean {
  return /%[0-9A-F]{2}/i.test(name)
}

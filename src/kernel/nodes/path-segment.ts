/** Writes names as segments of pathnames, and pathnames in their one canonical form. */

/** Characters that RFC 3986 allows in a segment although `encodeURIComponent` encodes them. */
const allowed = /%(?:24|26|2B|2C|3A|3B|3D|40)/g

/** Encodes only what must be: `user@1000.service` stays as it is. */
export function pathSegment(name: string): string {
  return encodeURIComponent(name).replace(allowed, decodeURIComponent)
}

/** The same path with each name in its canonical form. A segment that is not valid stays as it is. */
export function canonicalPath(path: string): string {
  return path.split('/').map(canonicalSegment).join('/')
}

function canonicalSegment(segment: string): string {
  if (!/[^\w.~-]/.test(segment)) return segment
  try {
    return pathSegment(decodeURIComponent(segment))
  } catch (error) {
    if (error instanceof URIError) return segment
    throw error
  }
}

/** Defines the sizes of memory pages and thread stacks in the model. */

export const pageBytes = 4096
/** Stack reserved for a thread which asks for no other size. */
export const defaultStackBytes = 64 * pageBytes
/** Stack in use when a thread begins. */
export const initialStackBytes = pageBytes

/** Rounds bytes up to whole pages. */
export function wholePages(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes
}

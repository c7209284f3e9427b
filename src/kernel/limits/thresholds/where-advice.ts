/** Checks whether a filter by name can match at all, and finds executables that the client may have meant. */

import { KernelError } from '../../errno.ts'
import type { Kernel } from '../../kernel.ts'
import { globMatches, runs, type Where } from './where.ts'

/**
 * Advice for a filter by a name that no process has, although some run an executable of that name. Null if there is
 * none.
 * @throws KernelError EINVAL for a filter that can match nothing
 */
export function checkNames({ processes, executables, cmdlines }: Kernel, where: Where | null): string | null {
  if (where === null) return null
  if (where.exe !== undefined && executables === null)
    throw new KernelError('EINVAL', 'processes have no executables here; choose them by "name"', { field: 'where/exe' })
  if (where.cmdline !== undefined && cmdlines === null)
    throw new KernelError('EINVAL', 'processes have no command lines here', { field: 'where/cmdline' })
  const { name } = where
  if (name === null || executables === null) return null
  const all = [...processes.values()]
  // Some threads of the kernel have longer names than any program.
  if (all.some((process) => globMatches(name, process.name))) return null
  const { nameBytesMax } = executables
  if (leastBytes(name) > nameBytesMax) {
    const why = `the kernel has only the first ${nameBytesMax} bytes of a name, so this matches nothing`
    throw new KernelError('EINVAL', `${why}; use "exe", which matches the base name of the executable`, {
      field: 'where/name',
    })
  }
  const count = all.filter((process) => runs(process, name)).length
  if (count === 0) return null
  const found = count === 1 ? '1 process runs an executable' : `${count} processes run an executable`
  return `no process has this name now, but ${found} of this name: use where.exe to choose by executable`
}

/** The fewest bytes that a matching name has, in UTF-8. An invalid byte of a name is written as `\xHH`. */
function leastBytes(pattern: string): number {
  let bytes = 0
  for (const character of pattern.replaceAll('*', '').replaceAll(/\\x[0-9a-f]{2}/g, '.')) {
    const point = character.codePointAt(0)!
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return bytes
}

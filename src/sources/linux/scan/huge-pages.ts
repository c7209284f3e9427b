/** Reads which sizes of huge pages the kernel may use for ordinary memory without being requested to. */

import { readdirSync, readFileSync } from 'node:fs'

const directory = '/sys/kernel/mm/transparent_hugepage'
/** The usual size, which is assumed if /sys cannot be read. */
const defaultBytes = 2 * 1024 * 1024

/**
 * Sizes in bytes, largest first. The largest size counts even while it is switched off, because pages from before stay
 * huge. Smaller sizes exist since Linux 6.8, and are off by default.
 */
export function readHugePageSizes(root = directory): readonly number[] {
  const whole = Number(readText(`${root}/hpage_pmd_size`) ?? defaultBytes)
  const isOn = readText(`${root}/enabled`)?.includes('[never]') === false
  const smaller = namesIn(root).flatMap((name) => {
    const kilobytes = /^hugepages-(\d+)kB$/.exec(name)?.[1]
    const setting = readText(`${root}/${name}/enabled`)
    if (kilobytes === undefined || setting === null || setting.includes('[never]')) return []
    return setting.includes('[inherit]') && !isOn ? [] : [Number(kilobytes) * 1024]
  })
  return [...new Set([whole, ...smaller])].filter((size) => size > 0).sort((one, other) => other - one)
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null // this kernel has no such setting, or /sys is hidden
  }
}

function namesIn(root: string): readonly string[] {
  try {
    return readdirSync(root)
  } catch {
    return []
  }
}

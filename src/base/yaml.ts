/** Loads the YAML library when it is first used: most starts of the service read no YAML. */

import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

export function yaml(): typeof import('yaml') {
  return load('yaml')
}

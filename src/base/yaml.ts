/** Loads the YAML library when it is first used: most starts of the service read no YAML. */

import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

export function yaml(): typeof import('yaml') {
  return load('yaml')
}

/** A document that readers of YAML 1.1 understand too: most tools for Java and Python read `on` as `true`. */
export function documentText(document: object): string {
  return yaml().stringify(document, { aliasDuplicateObjects: false, version: '1.1', compat: 'core' })
}

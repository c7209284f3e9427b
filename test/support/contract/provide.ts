/** Provides the committed openapi.yaml to all test files; it is parsed once. */

import { readFileSync } from 'node:fs'
import type { TestProject } from 'vitest/node'
import { parse } from 'yaml'
import type { Document } from './openapi.ts'

declare module 'vitest' {
  interface ProvidedContext {
    openApi: Document
  }
}

export default ({ provide }: TestProject): void => {
  provide('openApi', parse(readFileSync(new URL('../../../openapi.yaml', import.meta.url), 'utf8')) as Document)
}

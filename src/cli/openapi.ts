/** `introspectd openapi`: prints the OpenAPI description of the HTTP interface. */

import { documentText } from '../base/yaml.ts'
import { defineCommand } from './command.ts'
import { print } from './print.ts'

export function openApiCommand(openApi: () => object) {
  return defineCommand({
    name: 'openapi',
    summary: 'print the OpenAPI description of the HTTP interface',
    args: {},
    options: {},
    settings: [],
    examples: ['introspectd openapi > openapi.yaml'],
    run: ({ io }) => print(io, documentText(openApi())),
  })
}

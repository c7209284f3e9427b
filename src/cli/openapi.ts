/** `introspectd openapi`: prints the OpenAPI description of the HTTP interface. */

import { z } from 'zod'
import { documentText } from '../base/yaml.ts'
import { defineCommand } from './command.ts'
import { print } from './print.ts'

export function openApiCommand(openApi: (version: '3.1' | '3.0') => object) {
  return defineCommand({
    name: 'openapi',
    summary: 'print the OpenAPI description of the HTTP interface',
    args: {},
    options: {
      oas: z
        .enum(['3.1', '3.0'])
        .default('3.1')
        .describe('version of OpenAPI; 3.0 is for generators that do not read 3.1 well'),
    },
    settings: [],
    examples: ['introspectd openapi > openapi.yaml', 'introspectd openapi --oas 3.0 > openapi-3.0.yaml'],
    run: ({ options: { oas }, io }) => print(io, documentText(openApi(oas))),
  })
}

/** `introspectd openapi`: the description of the HTTP interface. */

import { stringify } from 'yaml'
import { defineCommand } from './command.ts'
import { print } from './print.ts'

export const openApiCommand = (openApi: () => object) =>
  defineCommand({
    name: 'openapi',
    summary: 'print the OpenAPI document',
    args: {},
    options: {},
    settings: [],
    examples: ['introspectd openapi > openapi.yaml'],
    run: ({ io }) => print(io, stringify(openApi(), { aliasDuplicateObjects: false })),
  })

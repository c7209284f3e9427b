/** `introspectd asyncapi`: the description of the streams. */

import { stringify } from 'yaml'
import { defineCommand } from './command.ts'
import { print } from './print.ts'

export function asyncApiCommand(asyncApi: () => object) {
  return defineCommand({
    name: 'asyncapi',
    summary: 'print the AsyncAPI document',
    args: {},
    options: {},
    settings: [],
    examples: ['introspectd asyncapi > asyncapi.yaml'],
    run: () => print(stringify(asyncApi(), { aliasDuplicateObjects: false })),
  })
}

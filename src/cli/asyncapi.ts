/** `introspectd asyncapi`: prints the AsyncAPI description of the event streams. */

import { documentText } from '../base/yaml.ts'
import { defineCommand } from './command.ts'
import { print } from './print.ts'

export function asyncApiCommand(asyncApi: () => object) {
  return defineCommand({
    name: 'asyncapi',
    summary: 'print the AsyncAPI description of the event streams',
    args: {},
    options: {},
    settings: [],
    examples: ['introspectd asyncapi > asyncapi.yaml'],
    run: ({ io }) => print(io, documentText(asyncApi())),
  })
}

/** `introspectd asyncapi`: the description of the streams. */

import { stringify } from 'yaml'
import { defineCommand } from './command.ts'
import { print } from './print.ts'

export const asyncApiCommand = (asyncApi: () => object) =>
  defineCommand({
    name: 'asyncapi',
    summary: 'print the AsyncAPI document',
    args: {},
    options: {},
    settings: [],
    examples: ['introspectd asyncapi > asyncapi.yaml'],
    run: ({ io }) => print(io, stringify(asyncApi(), { aliasDuplicateObjects: false })),
  })

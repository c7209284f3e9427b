/** Fields that the data of several event types share. */

import { type Errno, errnos } from '../errno.ts'
import {
  amounts,
  described,
  literal,
  nullable,
  oneOf,
  optional,
  path,
  text,
  textsAndNumbers,
  whole,
} from '../fields.ts'
import { limits } from '../limits/table.ts'
import { threadStates } from '../states.ts'

export const errno = oneOf(Object.keys(errnos) as Errno[])
export const threadState = oneOf(threadStates)
export const state = described(nullable(threadState), 'Null where it cannot be told')
export const limitName = oneOf(limits.map(({ name }) => name))
export const peak = described(amounts, 'The highest known of each limit')
export const on = described(textsAndNumbers, 'What it blocks on')
export const note = described(nullable(text), 'Of the threshold')
export const self = optional(described(literal(true), 'It is introspectd itself'))
export const partition = nullable(path)

export const process = {
  pid: whole,
  identity: described(text, 'Of the process: no two share one, even where they share a pid'),
  name: described(text, 'Of the process'),
}

export const thread = { ...process, tid: whole, name: described(text, 'Of the thread') }

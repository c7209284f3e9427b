/** Defines the fields that the data of several event types share. */

import { type Errno, errnos } from '../errno.ts'
import {
  amounts,
  described,
  integer,
  literal,
  nullable,
  oneOf,
  optional,
  pathname,
  text,
  textsAndNumbers,
} from '../fields.ts'
import { limits } from '../limits/table.ts'
import { threadStates } from '../states.ts'

export const errno = oneOf(Object.keys(errnos) as Errno[])
export const threadState = oneOf(threadStates)
export const state = described(nullable(threadState), 'Null when the source does not know it')
export const limit = oneOf(limits.map(({ name }) => name))
export const peak = described(amounts, 'The highest known usage of each limit')
export const on = described(textsAndNumbers, 'The object that the thread is blocked on')
export const note = described(nullable(text), 'The note of the threshold')
export const self = optional(described(literal(true), 'True for the process of introspectd itself'))
export const partition = nullable(pathname)

export const process = {
  pid: integer,
  identity: described(text, 'Identity of the process. Unlike a pid it is never used again'),
  name: described(text, 'Name of the process'),
}

export const thread = { ...process, tid: integer, name: described(text, 'Name of the thread') }

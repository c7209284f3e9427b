/** Parses the docstrings of the kernel calls. */

import { readdirSync, readFileSync } from 'node:fs'
import { errnos } from '../../../src/kernel/errno.ts'
import { threadStates } from '../../../src/kernel/states.ts'
import { type KernelCallName, kernelCallNames, kernelCalls } from '../../../src/model/calls/table.ts'

export interface Documented {
  /** The whole docstring on one line. */
  readonly text: string
  readonly params: readonly string[]
  /** Documented errnos. */
  readonly errnos: ReadonlySet<string>
  /** Documented blocked states. */
  readonly states: ReadonlySet<string>
}

const folder = new URL('../../../src/model/calls/', import.meta.url)
const source = readdirSync(folder)
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))
  .join('\n')

const words = (text: string, known: readonly string[]): Set<string> =>
  new Set((text.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? []).filter((word) => known.includes(word)))

function documented(call: KernelCallName): Documented {
  const pattern = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\nexport function ${kernelCalls[call].name}\\(`)
  const [, comment = ''] = pattern.exec(source) ?? []
  const text = comment.replace(/\n \*/g, '').trim()
  const [description = '', ...tags] = text.split(/ (?=@(?:param|returns|throws) )/)
  const blocking = /Blocks in (.*?)(?=\. |\.$)/.exec(description)?.[1] ?? ''
  return {
    text,
    params: tags.flatMap((tag) => /^@param (\w+)/.exec(tag)?.[1] ?? []),
    errnos: words(tags.filter((tag) => tag.startsWith('@throws')).join(' '), Object.keys(errnos)),
    states: words(blocking, threadStates),
  }
}

export const docstrings: ReadonlyMap<string, Documented> = new Map(
  kernelCallNames.map((call) => [call, documented(call)]),
)

/**
 * Parses the text of a rules file. It has the keys `thresholds` and `timeouts`, each a map from pathnames to
 * definitions, as PUT takes them.
 */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { didYouMean } from '../base/nearest.ts'
import { printable } from '../base/terminal-text.ts'
import { parseYamlText, YamlError, type YamlPath, type YamlText } from '../base/yaml-text.ts'
import { KernelError } from '../kernel/errno.ts'
import { checkDefinition } from '../kernel/limits/thresholds/check-definition.ts'
import { MalformedText, type RuleFault } from '../tree/errors.ts'
import { parseTimeoutText, TimeoutBody, timeoutDefinitionOf } from '../tree/nodes/timeouts.ts'
import { ThresholdBody } from '../tree/threshold-body.ts'
import { amountFields, parseThresholdText, parseWord } from '../tree/threshold-text.ts'
import type { Rule } from './rule.ts'
import { RulePathError, thresholdPlace, timeoutPlace } from './rule-path.ts'

const Amount = z.union([z.int().nonnegative(), z.string()]).nullable().optional()

/** The body of a PUT; its amounts may have units. */
const RuleBody = ThresholdBody.extend({ at: Amount, rearm: Amount, delta: Amount }).meta({ id: 'ThresholdRule' })

/** Values as people write them. The file is checked by `parseRules`, which reports each fault with its line. */
export const ThresholdRules = z
  .record(z.string(), z.union([RuleBody, z.string(), z.int().nonnegative()]))
  .describe(
    'thresholds that the service sets at start and at a reload: from the pathname of each, as in /sys/fds/threshold/hog, to its definition',
  )

export const TimeoutRules = z
  .record(z.string(), z.union([TimeoutBody, z.string()]))
  .describe(
    'deadlock timeouts that the service sets at start and at a reload: from the pathname of each, as in /sys/timeout, to its definition',
  )

export const ruleKeys = ['thresholds', 'timeouts'] as const

export interface ParsedRules {
  readonly rules: readonly Rule[]
  readonly faults: readonly RuleFault[]
}

interface RuleText {
  /** Absolute path. */
  readonly file: string
  /** Keys of the file that are not about rules, and are not checked here. */
  readonly otherKeys: readonly string[]
}

/** Parses a whole file. Rules are complete where there are no faults. */
export function parseRules(text: string, { file, otherKeys }: RuleText): ParsedRules {
  try {
    return new RuleParser(parseYamlText(text), file).parse(otherKeys)
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    return { rules: [], faults: [{ file, line: error.place.line, detail: printable(error.message) }] }
  }
}

class RuleParser {
  readonly #text: YamlText
  readonly #file: string
  readonly #faults: RuleFault[] = []
  readonly #rules: Rule[] = []

  constructor(text: YamlText, file: string) {
    this.#text = text
    this.#file = file
  }

  parse(otherKeys: readonly string[]): ParsedRules {
    const { value } = this.#text
    if (value === null || value === undefined) return { rules: [], faults: [] }
    if (!isMap(value)) this.#fault([], `expected the keys ${ruleKeys.join(' and ')}`)
    else {
      const known = [...ruleKeys, ...otherKeys]
      for (const key of Object.keys(value))
        if (!known.includes(key)) this.#fault([key], `there is no key ${key}${didYouMean(key, known)}`, 'key')
      for (const key of ruleKeys) this.#section(key, value[key])
    }
    return { rules: this.#rules, faults: this.#faults }
  }

  #section(key: (typeof ruleKeys)[number], section: unknown): void {
    if (section === undefined || section === null) return
    if (!isMap(section)) {
      this.#fault([key], `expected a map from pathnames to ${key}`)
      return
    }
    for (const [pathname, value] of Object.entries(section)) {
      if (this.#faults.length >= bounds.rulesFaultsMax) return
      const at = [key, pathname]
      try {
        this.#rules.push(key === 'thresholds' ? this.#threshold(at, value) : this.#timeout(at, value))
      } catch (error) {
        this.#report(at, error)
      }
    }
  }

  #threshold([section, pathname]: readonly string[], value: unknown): Rule {
    const { node, level, row, ...place } = thresholdPlace(pathname!)
    const definition = ThresholdBody.parse(bodyOf(value, row.name))
    checkDefinition(definition, row, { level, path: node })
    return { kind: 'threshold', node, ...place, definition, ...this.#place([section!, pathname!]) }
  }

  #timeout([section, pathname]: readonly string[], value: unknown): Rule {
    const place = timeoutPlace(pathname!)
    const body = TimeoutBody.parse(typeof value === 'string' ? parseTimeoutText(wordsOf(value)) : value)
    return { kind: 'timeout', ...place, definition: timeoutDefinitionOf(body), ...this.#place([section!, pathname!]) }
  }

  #place(at: YamlPath) {
    return { file: this.#file, line: this.#text.placeOf(at, 'key').line }
  }

  /** Turns the error of one rule into faults. @throws any other error */
  #report(at: readonly string[], error: unknown): void {
    if (error instanceof RulePathError) this.#fault(at, `${at[1]}: ${error.message}`, 'key')
    else if (error instanceof MalformedText) this.#fault(at, error.message)
    else if (error instanceof KernelError) this.#fault([...at, ...(error.field?.split('/') ?? [])], error.message)
    else if (error instanceof z.ZodError) for (const issue of error.issues) this.#issue(at, issue)
    else throw error
  }

  #issue(at: readonly string[], issue: z.core.$ZodIssue): void {
    if (issue.code === 'unrecognized_keys') {
      for (const name of issue.keys) this.#fault([...at, ...issue.path, name], `there is no field ${name}`, 'key')
      return
    }
    const field = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
    const form = issue.path.length === 0 ? 'expected the fields of a PUT, or its text form' : issue.message
    this.#fault([...at, ...issue.path], `${field}${form}`)
  }

  #fault(at: YamlPath, detail: string, of: 'key' | 'value' = 'value'): void {
    this.#faults.push({ file: this.#file, line: this.#text.placeOf(at, of).line, detail: printable(detail) })
  }
}

/** The body of a PUT. In a file, its amounts may have units too, as in its text form. @throws MalformedText */
function bodyOf(value: unknown, limit: string): unknown {
  if (typeof value === 'number') return { at: value }
  if (typeof value === 'string') return parseThresholdText(wordsOf(value), limit)
  if (!isMap(value)) return value
  const fields = Object.entries(value).map(([name, field]): [string, unknown] =>
    amountFields.has(name) && typeof field === 'string' ? [name, parseWord(name, field, limit)] : [name, field],
  )
  return Object.fromEntries(fields)
}

function wordsOf(text: string): string[] {
  return text.trim().split(/\s+/)
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

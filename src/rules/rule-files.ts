/** Reads rules from their files: the `--config` file, and the YAML files of the `--rules` directory. */

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bounds } from '../base/bounds.ts'
import { InvalidRules, type RuleFault } from '../tree/errors.ts'
import type { Rule } from './rule.ts'
import { type ParsedRules, parseRules } from './rule-file.ts'

/** The places that rules come from. Null where there is none. */
export interface RuleSources {
  readonly configFile: string | null
  /** The keys of the configuration file. */
  readonly configKeys: readonly string[]
  readonly directory: string | null
}

/** Reads all rules, or none. @throws InvalidRules */
export function readRules({ configFile, configKeys, directory }: RuleSources): Rule[] {
  const parsed = [
    ...(configFile === null ? [] : [readRuleFile(configFile, configKeys)]),
    ...(directory === null ? [] : readRuleDirectory(directory)),
  ]
  const rules = parsed.flatMap((each) => each.rules)
  const faults = [...parsed.flatMap((each) => each.faults), ...faultsTwice(rules)]
  if (faults.length > 0) throw new InvalidRules(shortened(faults))
  return rules
}

/** Checks files and directories, all of them also where one has faults. A file may be a configuration file. */
export function checkRulePlaces(places: readonly string[], configKeys: readonly string[]): ParsedRules {
  const parsed = places.flatMap((place) => {
    const isDirectory = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true
    return isDirectory ? readRuleDirectory(place) : [readRuleFile(place, configKeys)]
  })
  const rules = parsed.flatMap((each) => each.rules)
  return { rules, faults: [...parsed.flatMap((each) => each.faults), ...faultsTwice(rules)] }
}

/** The files of a directory that have rules, in the order of their names. Hidden files are left out. */
function readRuleDirectory(directory: string): ParsedRules[] {
  const path = resolve(directory)
  try {
    const names = readdirSync(path).filter((name) => /^[^.].*\.ya?ml$/s.test(name))
    if (names.length > bounds.rulesFilesMax)
      return [faultOf(path, `it has ${names.length} rules files, and at most ${bounds.rulesFilesMax} are read`)]
    return names.sort().map((name) => readRuleFile(join(path, name), []))
  } catch (error) {
    return [faultOf(path, reasonOf(error))]
  }
}

function readRuleFile(place: string, otherKeys: readonly string[]): ParsedRules {
  const file = resolve(place)
  try {
    const { size, isFile } = regular(file)
    // Reading a pipe could wait for ever, and a second time it would be empty.
    if (!isFile) return faultOf(file, 'it is not a regular file, so it cannot be read again')
    if (size > bounds.rulesFileBytesMax)
      return faultOf(file, `it has ${size} bytes, and at most ${bounds.rulesFileBytesMax} are read`)
    const bytes = readFileSync(file)
    return parseRules(new TextDecoder('utf-8', { fatal: true }).decode(bytes), { file, otherKeys })
  } catch (error) {
    return faultOf(file, reasonOf(error))
  }
}

/** @throws errors of the file system */
function regular(file: string): { readonly size: number; readonly isFile: boolean } {
  const stats = statSync(file)
  return { size: stats.size, isFile: stats.isFile() }
}

/** Whether rules can be read from the file again. A pipe, such as that of a shell's `<(…)`, is read once. */
export function isRereadable(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() !== false
}

/** @throws errors that are not about reading a file */
function reasonOf(error: unknown): string {
  if (error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return 'it is not UTF-8 text'
  if (error instanceof Error && 'syscall' in error) return `it cannot be read: ${error.message}`
  throw error
}

function faultOf(file: string, detail: string): ParsedRules {
  return { rules: [], faults: [{ file, line: 0, detail }] }
}

/** A pathname may have one rule only. */
function faultsTwice(rules: readonly Rule[]): RuleFault[] {
  const first = new Map<string, Rule>()
  return rules.flatMap((rule) => {
    const { path, file, line } = rule
    const former = first.get(path)
    if (former === undefined) first.set(path, rule)
    return former === undefined
      ? []
      : [{ file, line, detail: `${path} has a rule already at ${former.file}:${former.line}` }]
  })
}

function shortened(faults: readonly RuleFault[]): RuleFault[] {
  const shown = faults.slice(0, bounds.rulesFaultsMax)
  const more = faults.length - shown.length
  const last = shown.at(-1)!
  return more === 0 ? shown : [...shown.slice(0, -1), { ...last, detail: `${last.detail}; ${more} more faults` }]
}

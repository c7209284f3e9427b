/** Parses the YAML text of a scenario, and reports its faults as those of a scenario. */

import { parseYamlText, YamlError } from '../base/yaml-text.ts'
import { Problems, ScenarioError } from './problems.ts'

export interface ScenarioText {
  readonly value: unknown
  readonly problems: Problems
}

/** @throws ScenarioError if the text is not YAML, or has keys that are not text */
export function parseYaml(text: string, file: string): ScenarioText {
  try {
    const { value, placeOf } = parseYamlText(text)
    return { value, problems: new Problems((path, of) => placeOf(path, of)) }
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    throw new ScenarioError(file, [{ ...error.place, path: [], message: error.message }])
  }
}

/** Runs scenarios in the test's process. */

import { readdirSync, readFileSync } from 'node:fs'
import { Writable } from 'node:stream'
import { type Simulation, simulate } from '../../src/cli/simulate.ts'
import { type RunOptions, runScenario, type Verdict } from '../../src/scenario/run.ts'
import { readScenario } from '../../src/scenario/scenario.ts'
import { World } from '../model/world.ts'

const folder = new URL('../../scenarios/', import.meta.url)

/** File names of the shipped scenarios. */
export const shipped = readdirSync(folder).sort()
export const pathOf = (name: string): string => new URL(name, folder).pathname
export const textOf = (name: string): string => readFileSync(pathOf(name), 'utf8')

/** Runs a scenario, by default on a new machine. */
export function runText(text: string, world = new World(), options: RunOptions = {}): Verdict {
  return runScenario(world.machine, readScenario(text, 'test.yaml'), options)
}

/** Differences as `line:column: message`. */
export const differences = ({ differences: found }: Verdict): string[] =>
  found.map(({ line, column, message }) => `${line}:${column}: ${message}`)

class Collector extends Writable {
  text = ''
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** Runs `introspectd simulate` in this process. */
export async function simulated(simulation: Simulation): Promise<{ code: number; events: string; verdicts: string }> {
  const [events, verdicts] = [new Collector(), new Collector()]
  const code = await simulate(simulation, { events, verdicts })
  return { code, events: events.text, verdicts: verdicts.text }
}

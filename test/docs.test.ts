/** Runs the commands of the model's tutorial and compares their output with the printed one. */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { ModelService } from './support/model-service.ts'

interface Step {
  readonly command: string
  readonly output: string
}

/** Commands of the `console` blocks: a line that begins with $ is a command, and the lines after it its output. */
function stepsOf(page: string): Step[] {
  const text = readFileSync(new URL(`../docs/${page}`, import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block]) => block!)
  return blocks.flatMap((block) =>
    block.split(/^\$ /m).flatMap((step) => {
      if (step === '') return []
      const end = step.indexOf('\n')
      return [{ command: step.slice(0, end), output: step.slice(end + 1) }]
    }),
  )
}

test('the commands in the tutorial of the model print the output shown there', async () => {
  const service = await new ModelService().start()
  try {
    const steps = stepsOf('tutorial-model.md')
    expect(steps.length).toBeGreaterThan(15)
    for (const { command, output } of steps) {
      const typed = command.replaceAll('localhost:7007', `localhost:${service.port}`)
      const { stdout } = await promisify(execFile)('bash', ['-c', typed])
      expect([command, stdout]).toEqual([command, output])
    }
  } finally {
    await service.stop()
  }
})

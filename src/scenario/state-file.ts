/** Reads and writes files with a saved state of the model, as GET /sys/state returns it. */

import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { ZodError } from 'zod'
import { bounds } from '../base/bounds.ts'
import { KernelError } from '../kernel/errno.ts'
import type { Machine } from '../model/machine.ts'
import { importState } from '../model/state/state.ts'
import { pointerOf } from '../tree/pointer.ts'
import { StateSchema, saveState } from '../tree/state.ts'

/** The message names the file, and the place of the fault in it. */
export class StateFileError extends Error {
  constructor(file: string, message: string) {
    super(`${file}: ${message}`)
    this.name = 'StateFileError'
  }
}

/** Creates a machine in the state of the file. @throws StateFileError */
export function readStateFile(file: string): Machine {
  try {
    const { size } = statSync(file)
    if (size > bounds.stateBodyBytesMax)
      throw new StateFileError(file, `a state has at most ${bounds.stateBodyBytesMax} bytes, this file ${size}`)
    const { path: _, ...state } = StateSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    return importState(state).machine
  } catch (error) {
    throw toStateFileError(file, error)
  }
}

/** Replaces the file only when the new contents are complete. @throws StateFileError */
export function writeStateFile(file: string, machine: Machine): void {
  try {
    const partial = `${file}.partial`
    writeFileSync(partial, `${JSON.stringify(saveState(machine))}\n`)
    renameSync(partial, file)
  } catch (error) {
    throw toStateFileError(file, error)
  }
}

/** Converts errors that the file causes. Other errors are returned unchanged. */
function toStateFileError(file: string, error: unknown): unknown {
  if (error instanceof SyntaxError) return new StateFileError(file, `it is not JSON: ${error.message}`)
  if (error instanceof KernelError) {
    const { field, message } = error
    return new StateFileError(file, field === null ? message : `/${field}: ${message}`)
  }
  if (error instanceof ZodError) {
    const [issue] = error.issues
    return new StateFileError(file, `${pointerOf(issue!.path)}: ${issue!.message}`)
  }
  return error instanceof Error && 'code' in error ? new StateFileError(file, error.message) : error
}

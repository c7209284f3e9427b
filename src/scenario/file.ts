/**
 * Defines the schema of a scenario file. `steps.ts` checks the contents of steps, and `expectations.ts` checks the
 * contents of expectations.
 */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { callArguments, Duration, FirstThread } from '../tree/calls.ts'
import { PoolSizes } from '../tree/operations.ts'
import { ThresholdBody } from '../tree/threshold-body.ts'
import { seedMax } from './random.ts'
import { Name } from './steps.ts'

/** For example `net` or `net/inner`. */
const PartitionName = z
  .string()
  .regex(/^[A-Za-z][\w.-]*(\/[A-Za-z][\w.-]*)*$/, 'names of letters, digits, ".", - and _, with a / between them')

const Limited = z.strictObject({ pools: PoolSizes.default({}) }).nullable()

const ThreadName = Name.refine((name) => name !== 'pid', 'a thread cannot be called pid')

/** The long form of a thread. The short forms are a list of steps, or the name of a program. */
export const ThreadBody = z.strictObject({
  ...FirstThread.shape,
  detached: callArguments.ThreadCreate.shape.detached,
  steps: z.unknown().optional(),
})

export const ScenarioProcess = z.strictObject({
  partition: PartitionName.exactOptional(),
  uid: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0),
  threads: z
    .record(ThreadName, z.unknown())
    .refine((threads) => Object.keys(threads).length > 0, 'a process has a thread'),
})

export const ExpectBody = z.strictObject({
  events: z.array(z.unknown()).default([]),
  states: z.record(z.string(), z.unknown()).default({}),
  usage: z.record(z.string(), z.unknown()).default({}),
  results: z.record(z.string(), z.unknown()).default({}),
})

export const Seed = z.int().min(0).max(seedMax).describe('seed of the random choices')

export const FileBody = z.strictObject({
  title: z.string().min(1).max(bounds.noteMax),
  seed: Seed.default(1),
  run: Duration.refine(
    (ms) => ms > 0 && ms <= bounds.scenarioMsMax,
    `more than nothing, at most ${bounds.scenarioMsMax / 3_600_000}h`,
  ).default(60_000),
  system: Limited.default(null),
  partitions: z.record(PartitionName, Limited).default({}),
  thresholds: z.record(z.string(), ThresholdBody).default({}),
  programs: z.record(Name, z.unknown()).default({}),
  processes: z
    .record(Name, ScenarioProcess)
    .refine((processes) => Object.keys(processes).length > 0, 'there is no process'),
  expect: ExpectBody.prefault({}),
})

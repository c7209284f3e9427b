/** Lists the checks before and after the reboot, in order. */

import type { Client } from 'introspectd/client'
import { deadlock, fdHog, recursion, shortProcesses } from './check-programs.ts'
import { fewRights, silentFileServer } from './check-surroundings.ts'
import {
  degradations,
  figuresOfPartition,
  restartedPartition,
  setThresholds,
  thresholdsAfterReboot,
  unitIsActive,
} from './check-units.ts'

/** Returns what it saw. Throws if it is not as it should be. */
export type Check = readonly [what: string, run: (client: Client) => Promise<string>]

export const checksBeforeReboot: readonly Check[] = [
  ['the unit starts and is active', unitIsActive],
  ['no ability is missing with the capabilities of the unit', degradations],
  ['a partition has the figures of `systemctl show`', figuresOfPartition],
  ['each of 100 short processes is reported with birth and death', shortProcesses],
  ['a process that hogs descriptors trips a threshold for each process', fdHog],
  ['a thread that recurses trips a threshold, and an idle one does not', recursion],
  ['two threads that want each other’s mutex are a detected deadlock', deadlock],
  ['a user with few rights reads the right reason why it sees nothing', fewRights],
  ['a file server that does not answer delays nothing', silentFileServer],
  ['a threshold on a partition still works after `systemctl restart`', restartedPartition],
  ['thresholds are set for the time after the reboot', setThresholds],
]

export const checksAfterReboot: readonly Check[] = [
  ['the unit starts at boot', unitIsActive],
  ['thresholds are in place after a reboot, also on a partition that comes later', thresholdsAfterReboot],
]

/** Lists the checks of `/readyz`: what works, and what does not. */

import { durationText } from '../base/duration.ts'
import type { Check, Health } from '../http/health.ts'
import type { SetAside } from '../journal/data-directory.ts'
import type { Journal } from '../journal/journal.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { ReactionStatus, Reactions } from '../reactions/reactions.ts'
import type { Hub } from '../stream/hub.ts'
import type { Rules } from '../tree/context.ts'
import type { AppParts } from './build.ts'

interface HealthParts {
  readonly journal: Journal
  readonly hub: Hub
  readonly currentKernel: () => Kernel
  readonly rules: Rules
  readonly reactions: Reactions
}

export function buildHealth(
  { source, storage, storageFault, setAside = null, now }: AppParts,
  { currentKernel, journal, hub, rules, reactions }: HealthParts,
): Health {
  return {
    ready: () => source.ready(),
    checks: (): Check[] => [
      ...source.checks(),
      { name: 'streams', ok: true, detail: `${hub.size} open` },
      { name: 'thresholds', ok: true, detail: `${currentKernel().notifier.size} set` },
      ...rulesChecks(rules),
      ...reactions.status().map(reactionCheck),
      eventsCheck(journal, { isStored: storage !== undefined, storageFault, now: now() }),
      ...(setAside === null ? [] : [setAsideCheck(setAside)]),
      { name: 'uptime', ok: true, detail: durationText(performance.now()) },
    ],
  }
}

function reactionCheck({ kind, name, behind, delivered, failures, deadLetters, failing }: ReactionStatus): Check {
  const counts = `${delivered} delivered, ${behind} events behind, ${failures} failures, ${deadLetters} dead letters`
  return { name: `${kind} ${name}`, ok: failing === null, detail: failing === null ? counts : `${counts}; ${failing}` }
}

/** Nothing where there are no rules. */
function rulesChecks({ last, size }: Rules): Check[] {
  if (last === null || (size === 0 && last.ok)) return []
  const fault = last.ok ? '' : `; the last reload found ${last.faults.length} faults, and the former rules stay`
  const refused = last.refused === 0 ? '' : `; ${last.refused} could not be set: see /sys/rules`
  return [{ name: 'rules', ok: last.ok && last.refused === 0, detail: `${size} from files${refused}${fault}` }]
}

function eventsCheck(
  { newest, oldestCursor, oldestAt, fault: journalFault }: Journal,
  { isStored, storageFault, now }: { isStored: boolean; storageFault: string | undefined; now: number },
): Check {
  const count = newest - oldestCursor
  const fault = journalFault ?? storageFault ?? null
  if (fault !== null) return { name: 'events', ok: false, detail: `${count} stored, new ones in memory only: ${fault}` }
  const place = isStored ? 'in the journal' : 'in memory; they are lost when this process ends'
  const reach = oldestAt === null ? '' : `; a cursor reaches back ${durationText(Math.max(0, now - oldestAt))}`
  return { name: 'events', ok: true, detail: `${count} stored ${place}${reach}` }
}

function setAsideCheck({ file, reason }: SetAside): Check {
  return { name: 'journal', ok: false, detail: `the previous journal was damaged (${reason}), and is now ${file}` }
}

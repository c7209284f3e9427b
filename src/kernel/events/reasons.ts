/** Lists the reasons for which conditions end, each with its meaning for the reference. */

/** The reasons of `threshold.cleared`. */
export const clearReasons = {
  rearmed: 'usage came back',
  died: 'the node ended; this event comes before the event of the end',
  gone: 'the partition at which it is set was removed: it waits for the next one',
  deleted: 'the threshold was deleted',
  replaced: 'it was put again with another definition',
  expired: 'its `ttl` ran out',
  disabled: 'its limit, or the notifier, was switched off',
  filtered: 'the node left the scope: it moved from below the threshold, or `where` no longer matches',
} as const

export type ClearReason = keyof typeof clearReasons

/** The values of `how` of `deadlock.resolved`. */
export const resolutions = {
  returned: 'a member’s call returned, with `errno` if it failed',
  ended: 'a member ended',
  abandoned: 'a member gave up its wait, because it ends',
  created: 'a new thread of a server may release them',
  changed: 'a member was seen to wait no more',
  proven: 'a suspicion was proven: `proven` is the path of the deadlock',
  restarted: 'the service was restarted; a deadlock that still exists is reported again, as another',
} as const

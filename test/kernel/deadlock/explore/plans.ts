/**
 * The systems that the deadlock exploration runs. Together they cover send, reply, mutexes, condition variables, joins,
 * servers with several threads, and threads that end.
 */

import type { SystemPlan } from './system.ts'

const none: Omit<SystemPlan, 'threads'> = { mutexes: [], conditions: [], sends: [], joins: false, ends: false }

/** A few thousand states each. */
export const smallPlans: Readonly<Record<string, SystemPlan>> = {
  'two locks, joins and ends': { ...none, threads: [3], mutexes: ['m', 'n'], joins: true, ends: true },
  'a condition and another lock': { ...none, threads: [3], mutexes: ['m', 'n'], conditions: [['c', 'm']], ends: true },
  'two servers of two threads': {
    ...none,
    threads: [2, 2],
    sends: [
      [1, 2],
      [2, 1],
    ],
    ends: true,
  },
  'a shared lock and messages': {
    ...none,
    threads: [2, 1],
    mutexes: ['/m'],
    sends: [
      [1, 2],
      [2, 1],
    ],
    joins: true,
    ends: true,
  },
  'only receivers reply': {
    ...none,
    threads: [2, 2],
    sends: [
      [1, 2],
      [2, 1],
    ],
    ends: true,
    onlyReceiversReply: true,
  },
}

export const largePlans: Readonly<Record<string, SystemPlan>> = {
  ...smallPlans,
  'four threads, two locks, joins and ends': { ...none, threads: [4], mutexes: ['m', 'n'], joins: true, ends: true },
  'two servers of two threads, two locks': {
    ...none,
    threads: [2, 2],
    mutexes: ['m', '/s'],
    sends: [
      [1, 2],
      [2, 1],
    ],
  },
  'a ring of three servers of two threads, which end': {
    ...none,
    threads: [2, 2, 2],
    sends: [
      [1, 2],
      [2, 3],
      [3, 1],
    ],
    ends: true,
  },
  'a ring of three servers of two threads, a shared lock, and ends': {
    ...none,
    threads: [2, 2, 2],
    mutexes: ['/s'],
    sends: [
      [1, 2],
      [2, 3],
      [3, 1],
    ],
    ends: true,
  },
  'two servers of two threads, two locks, which end': {
    ...none,
    threads: [2, 2],
    mutexes: ['m', '/s'],
    sends: [
      [1, 2],
      [2, 1],
    ],
    ends: true,
    joins: true,
  },
}

/** Names of the documents at the system. */
export const systemDocuments = [
  'states',
  'limits',
  'signal-table',
  'thresholds',
  'notifier',
  'timeout',
  'wait',
  'deadlocks',
] as const

/** Those that the model has besides. */
export const modelDocuments = ['calls', 'clock', 'scenario', 'state'] as const

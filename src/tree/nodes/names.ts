/** Names of the documents at the system. */
/** Those that the model has besides. */
export const modelDocuments = ['calls', 'clock', 'scenario'] as const

export const systemDocuments = ['states', 'limits', 'thresholds', 'notifier'] as const

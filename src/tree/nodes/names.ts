/** Names of the documents at the system. */
export const systemDocuments = ['states', 'limits', 'thresholds'] as const

/** Writes the paths in headers and documents as the client sees them, behind proxies that serve them under a prefix. */

import type { FastifyRequest } from 'fastify'

/** @param path a path of the service, with or without a query */
export function publicPath({ clientView }: Pick<FastifyRequest, 'clientView'>, path: string): string {
  return `${clientView?.prefix ?? ''}${path}`
}

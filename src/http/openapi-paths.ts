/** Makes the entries of the OpenAPI document for the routes outside the tree, from their rows. */

import { z } from 'zod'
import { type Json, schemaOf } from './json-schema.ts'
import {
  contentOf,
  headersNamed,
  jsonContent,
  linesContent,
  mediaContent,
  operation,
  type Tag,
} from './openapi-parts.ts'
import { serviceText } from './openapi-text.ts'
import type { ServiceReply, ServiceRoute, ServiceVerb } from './service-route.ts'
import { serviceRoutes } from './service-routes.ts'

/** By path template. */
export function servicePaths(): Json {
  return Object.fromEntries(serviceRoutes.map((route) => [route.path.replace(/:(\w+)/, '{$1}'), pathItem(route)]))
}

/** The schemas of all bodies and replies. */
export function serviceShapes(): { readonly input: z.ZodType[]; readonly output: z.ZodType[] } {
  const verbs = serviceRoutes.flatMap((route) => Object.values(route.verbs))
  const replies = verbs.flatMap((verb) => Object.values(verb.replies))
  return {
    input: verbs.flatMap(({ body }) => body ?? []),
    output: replies.flatMap(({ json, line }) => [json ?? [], line ?? []].flat()),
  }
}

function pathItem({ name, path, tag, verbs }: ServiceRoute): Json {
  const parameters = name && [
    {
      name: 'name',
      in: 'path',
      required: true,
      description: `The last segment of ${path}`,
      schema: schemaOf(name, 'input'),
    },
  ]
  const operations = Object.entries(verbs).map(([method, verb]) => [method.toLowerCase(), operationOf(tag, verb)])
  return { ...(parameters && { parameters }), ...Object.fromEntries(operations) }
}

function operationOf(tag: Tag, verb: ServiceVerb): Json {
  const { summary, operationId, query: parameters, body, replies } = verb
  const described = parameters instanceof z.ZodObject ? Object.entries(parameters.shape).map(parameterOf) : []
  return operation({
    tag,
    summary,
    description: serviceText(verb),
    operationId,
    parameters: described,
    ...(body && { requestBody: { required: true, content: jsonContent(body, 'input') } }),
    responses: Object.fromEntries(Object.entries(replies).map(([status, reply]) => [status, response(reply)])),
  })
}

function parameterOf([name, schema]: [string, z.ZodType]): Json {
  const { description, allowEmptyValue, ...shape } = parameterSchema(schema)
  return { name, in: 'query', description, schema: shape, ...(allowEmptyValue === true && { allowEmptyValue }) }
}

/** A number or flag has the schema of its parsed value, and anything else that of its text. */
function parameterSchema(schema: z.ZodType): Json {
  const parsed = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' })
  const isScalar = parsed.type === 'integer' || parsed.type === 'boolean'
  const { $schema, ...shape } = isScalar ? parsed : z.toJSONSchema(schema, { io: 'input' })
  return shape
}

function response({ description, headers = [], json, line, media }: ServiceReply): Json {
  const lines = line ? linesContent('ndjson', line, 'One JSON document a line') : {}
  return {
    description,
    ...(headers.length > 0 && { headers: headersNamed(headers) }),
    ...(json && contentOf(jsonContent(json), lines)),
    ...(media && { content: mediaContent(media) }),
  }
}

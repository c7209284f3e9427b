/** Maps the type of a pathname to its route, as a router for types, and so to the types of query, body and reply. */

import type { Placeholders, Routes } from './routes.ts'

export type Method = 'get' | 'put' | 'post' | 'delete'

type Split<Text extends string> = Text extends `${infer Head}/${infer Rest}` ? [Head, ...Split<Rest>] : [Text]

/** Splits a pathname. Text without a leading slash becomes two empty segments, which no route has. */
type Segments<Path extends string> = Path extends `/${infer Rest}` ? Split<Rest> : ['', '']

/** Maps nested partitions, and processes below a partition, to the equivalent path at the top level. */
type Canonical<Path extends readonly string[]> = Path extends [
  'sys',
  'part',
  string,
  'part',
  infer Inner extends string,
  ...infer Rest extends string[],
]
  ? Canonical<['sys', 'part', Inner, ...Rest]>
  : Path extends ['sys', 'part', string, 'proc', infer Pid extends string, ...infer Rest extends string[]]
    ? ['sys', 'proc', Pid, ...Rest]
    : Path

type SegmentFits<Given, Wanted> = Wanted extends `{${infer Name}}`
  ? Name extends keyof Placeholders
    ? Given extends Placeholders[Name]
      ? true
      : false
    : Given extends ''
      ? false
      : true
  : Given extends Wanted
    ? true
    : false

type Fits<Given extends readonly string[], Wanted extends readonly string[]> = Given extends [
  infer First,
  ...infer Rest extends string[],
]
  ? Wanted extends [infer FirstWanted, ...infer RestWanted extends string[]]
    ? SegmentFits<First, FirstWanted> extends true
      ? Fits<Rest, RestWanted>
      : false
    : false
  : Wanted extends []
    ? true
    : false

/** The route of a pathname; `never` if no route matches. */
export type RouteOf<Path extends string> = Path extends string
  ? {
      [Route in keyof Routes]: Fits<Canonical<Segments<Path>>, Segments<Route>> extends true ? Route : never
    }[keyof Routes]
  : never

/** The operation of a route for a method. A pathname of type `string` has unspecific types. */
export type Operation<Verb extends Method, Path extends string> = string extends Path
  ? { body: object | string; query: Record<string, string | number | boolean>; reply: unknown }
  : [RouteOf<Path>] extends [never]
    ? never
    : Routes[RouteOf<Path>] extends Record<Verb, infer Found>
      ? Found
      : never

/** The pathname itself if the route has the method, else `never`, so that a misspelt pathname does not compile. */
export type PathWith<Verb extends Method, Path extends string> = [Operation<Verb, Path>] extends [never] ? never : Path

/** Type of the reply of GET, for example `Reply<'/sys/proc'>`. */
export type Reply<Path extends string> = Operation<'get', Path> extends { reply: infer Body } ? Body : never

export type Body<Verb extends Method, Path extends string> =
  Operation<Verb, Path> extends { body: infer Given } ? Given : never

export type Query<Verb extends Method, Path extends string> =
  Operation<Verb, Path> extends { query: infer Given } ? Given : never

export type Answered<Verb extends Method, Path extends string> =
  Operation<Verb, Path> extends { reply: infer Body } ? Body : never

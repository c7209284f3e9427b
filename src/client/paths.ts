/** A pathname's type: which route it belongs to, and so what is asked and answered there. Types only: nothing of it runs. */

import type { Placeholders, Routes } from './routes.ts'

export type Method = 'get' | 'put' | 'post' | 'delete'

type Split<Text extends string> = Text extends `${infer Head}/${infer Rest}` ? [Head, ...Split<Rest>] : [Text]

/** What begins with no slash is none: no route has two empty segments. */
type Segments<Path extends string> = Path extends `/${infer Rest}` ? Split<Rest> : ['', '']

/** Partitions nest, and a process is below its partition too: both have the shape that they have at the top. */
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

/** The route that a pathname belongs to; `never` where nothing of that name can be. */
export type RouteOf<Path extends string> = Path extends string
  ? {
      [Route in keyof Routes]: Fits<Canonical<Segments<Path>>, Segments<Route>> extends true ? Route : never
    }[keyof Routes]
  : never

/** What a route does on a verb; of a pathname that is only known as it runs, nothing is known. */
export type Operation<Verb extends Method, Path extends string> = string extends Path
  ? { body: object | string; query: Record<string, string | number | boolean>; reply: unknown }
  : [RouteOf<Path>] extends [never]
    ? never
    : Routes[RouteOf<Path>] extends Record<Verb, infer Found>
      ? Found
      : never

/** The pathname itself where the verb is there, else nothing: so that a slip of the pen does not compile. */
export type PathWith<Verb extends Method, Path extends string> = [Operation<Verb, Path>] extends [never] ? never : Path

/** What GET answers there, as in `Reply<'/sys/proc'>`. */
export type Reply<Path extends string> = Operation<'get', Path> extends { reply: infer Body } ? Body : never

export type Body<Verb extends Method, Path extends string> =
  Operation<Verb, Path> extends { body: infer Given } ? Given : never

export type Query<Verb extends Method, Path extends string> =
  Operation<Verb, Path> extends { query: infer Given } ? Given : never

export type Answered<Verb extends Method, Path extends string> =
  Operation<Verb, Path> extends { reply: infer Body } ? Body : never

/**
 * Describes plain data without a schema library: the TypeScript type and the zod schema (`tree/field-schemas.ts`) both
 * follow from one description. The kernel may not import zod.
 */

/** One value of JSON. `Value` is its TypeScript type. */
export interface Field<Value> {
  readonly form: FieldForm
  /** A sentence for the reference. */
  readonly note?: string
  /** Never set. It only carries the type. */
  readonly value?: Value
}

/** A field that may be absent. */
export interface OptionalField<Value> extends Field<Value> {
  readonly isOptional: true
}

export type DataFields = Readonly<Record<string, Field<unknown>>>

export type FieldForm =
  | { readonly kind: 'text' | 'path' | 'time' | 'integer' | 'bool' | 'amounts' | 'texts-and-numbers' }
  | { readonly kind: 'literal'; readonly value: string | boolean }
  | { readonly kind: 'one-of'; readonly values: readonly string[] }
  | { readonly kind: 'nullable'; readonly field: Field<unknown> }
  | { readonly kind: 'list'; readonly field: Field<unknown> }
  | { readonly kind: 'any-of'; readonly fields: readonly Field<unknown>[] }
  /** `id` names the schema in OpenAPI and AsyncAPI. */
  | { readonly kind: 'object'; readonly fields: DataFields; readonly id: string | null }

export type ValueOf<Described> = Described extends Field<infer Value> ? Value : never

type OptionalNames<Described extends DataFields> = {
  [Name in keyof Described]: Described[Name] extends { readonly isOptional: true } ? Name : never
}[keyof Described]

/** The type of an object with these fields. */
export type DataOf<Described extends DataFields> = Flat<
  { readonly [Name in Exclude<keyof Described, OptionalNames<Described>>]: ValueOf<Described[Name]> } & {
    readonly [Name in OptionalNames<Described>]?: ValueOf<Described[Name]>
  }
>

type Flat<Type> = { [Name in keyof Type]: Type[Name] }

export const text: Field<string> = { form: { kind: 'text' } }
/** A pathname of the tree. */
export const pathname: Field<string> = { form: { kind: 'path' } }
/** RFC 3339, UTC. */
export const timestamp: Field<string> = { form: { kind: 'time' } }
export const integer: Field<number> = { form: { kind: 'integer' } }
export const bool: Field<boolean> = { form: { kind: 'bool' } }
/** Limit names with whole numbers, each in the unit of its limit. */
export const amounts: Field<Readonly<Record<string, number>>> = { form: { kind: 'amounts' } }
export const textsAndNumbers: Field<Readonly<Record<string, string | number>>> = { form: { kind: 'texts-and-numbers' } }

export function literal<const Value extends string | boolean>(value: Value): Field<Value> {
  return { form: { kind: 'literal', value } }
}

export function oneOf<const Value extends string>(values: readonly Value[]): Field<Value> {
  return { form: { kind: 'one-of', values } }
}

/** One of the keys of a record. The values say what each means. */
export function oneKeyOf<Key extends string>(meanings: Readonly<Record<Key, string>>): Field<Key> {
  return { form: { kind: 'one-of', values: Object.keys(meanings) } }
}

export function nullable<Value>(field: Field<Value>): Field<Value | null> {
  return { form: { kind: 'nullable', field } }
}

export function list<Value>(field: Field<Value>): Field<readonly Value[]> {
  return { form: { kind: 'list', field } }
}

export function anyOf<Value>(fields: readonly Field<Value>[]): Field<Value> {
  return { form: { kind: 'any-of', fields } }
}

export function object<Described extends DataFields>(
  fields: Described,
  id: string | null = null,
): Field<DataOf<Described>> {
  return { form: { kind: 'object', fields, id } }
}

export function optional<Value>(field: Field<Value>): OptionalField<Value> {
  return { ...field, isOptional: true }
}

/** The same field with this sentence for the reference. */
export function described<Described extends Field<unknown>>(field: Described, note: string): Described {
  return { ...field, note }
}

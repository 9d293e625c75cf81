import { type } from 'arktype'
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineErrors } from '../../catalogue/catalogue.ts'
import type { StandardSchema } from '../../standard-schema.ts'
import { toJson } from '../../to-json.ts'
import { createErrorContract } from '../contract.ts'

const SECRET = 'hunter2'

/** What a client receives of a context, and the problem that is logged. */
function sent(schema: unknown, context: unknown): { readonly context: unknown; readonly problem: unknown } {
  const Errors = defineErrors({ ODD: { status: 404, message: 'Odd.', context: schema as StandardSchema } })
  const answer = createErrorContract({ service: 's', errors: Errors }).translate(new Errors.ODD(context), {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  })
  expect(answer.status).toBe(404)
  return { context: answer.body.context, problem: answer.log['context_problem'] }
}

describe('undeclared keys of an ArkType context', () => {
  const leaf = { b: 'x', secret: SECRET }
  test.each<readonly [string, unknown, unknown, unknown]>([
    ['in a nullable object', type({ a: type({ b: 'string' }).or('null') }), { a: leaf }, { a: { b: 'x' } }],
    ['in an object or text', type({ a: type({ b: 'string' }).or('string') }), { a: leaf }, { a: { b: 'x' } }],
    ['in an object or a date', type({ a: type({ b: 'string' }).or('Date') }), { a: leaf }, { a: { b: 'x' } }],
    ['in an object or a bigint', type({ a: type({ b: 'string' }).or('bigint') }), { a: leaf }, { a: { b: 'x' } }],
    [
      'that another member of a union declares',
      type({ kind: "'a'", b: 'string' }).or({ kind: "'b'", secret: 'string' }),
      { kind: 'a', ...leaf },
      { kind: 'a', b: 'x' },
    ],
    [
      'that a member with another bound declares',
      type({ n: 'number > 5' }).or({ n: 'number <= 5', secret: 'string' }),
      { n: 6, secret: SECRET },
      { n: 6 },
    ],
    [
      'that a member with another pattern declares',
      type({ n: '/^a/' }).or({ n: '/^b/', secret: 'string' }),
      { n: 'abc', secret: SECRET },
      { n: 'abc' },
    ],
    [
      'in a list of unions',
      type({ list: type({ b: 'string' }).or('number').array() }),
      { list: [leaf, 1] },
      { list: [{ b: 'x' }, 1] },
    ],
    ['in a tuple', type({ t: ['number', { b: 'string' }] }), { t: [1, leaf] }, { t: [1, { b: 'x' }] }],
    ['in a record', type({ r: { '[string]': { b: 'string' } } }), { r: { any: leaf } }, { r: { any: { b: 'x' } } }],
    ['behind a pattern', type({ '[/^x/]': { b: 'string' } }), { xa: leaf, ya: SECRET }, { xa: { b: 'x' } }],
    [
      'in an intersection',
      type({ a: { b: 'string' } }).and({ c: 'number' }),
      { a: leaf, c: 1, d: SECRET },
      { a: { b: 'x' }, c: 1 },
    ],
    ['of an object that declares no key', type({ a: 'object', b: 'string' }), { a: leaf, b: 'x' }, { a: {}, b: 'x' }],
    ['behind a transformation', type({ a: { b: 'string.trim' } }), { a: leaf }, { a: { b: 'x' } }],
    [
      'of a class instance',
      type({ a: { b: 'string' } }),
      { a: Object.assign(new (class Row {})(), leaf) },
      { a: { b: 'x' } },
    ],
    [
      'of an object with toJSON',
      type({ a: { b: 'string' } }),
      { a: { b: 'x', toJSON: () => leaf } },
      { a: { b: 'x' } },
    ],
  ])('%s are not sent', (_, schema, context, expected) => {
    expect(sent(schema, context)).toEqual({ context: expected, problem: undefined })
  })

  test('are not sent of a recursive schema', () => {
    const { node } = type.module({ node: { name: 'string', 'next?': 'node | null' } })
    const context = { name: 'a', secret: SECRET, next: { name: 'b', secret: SECRET, next: null } }
    expect(sent(node, context).context).toEqual({ name: 'a', next: { name: 'b', next: null } })
  })

  test('are sent if the schema declares all keys or any value', () => {
    const open = { b: 'x', more: { deep: 1 } }
    expect(sent(type({ a: 'Record<string, unknown>', u: 'unknown' }), { a: open, u: open }).context).toEqual({
      a: open,
      u: open,
    })
    const date = { a: new Date(0), b: 'x' }
    const withDate = type({ a: type({ b: 'string' }).or('Date'), b: 'string' })
    expect(sent(withDate, date).context).toEqual({ a: '1970-01-01T00:00:00.000Z', b: 'x' })
    expect(sent(type({ d: 'Date', l: 'unknown[]' }), { d: new Date(0), l: [open] }).context).toEqual({
      d: '1970-01-01T00:00:00.000Z',
      l: [open],
    })
  })

  test('give {} for a value that is too large to compare, and the status stays', () => {
    const schema = type({ list: type({ b: 'string' }).or('null').array() })
    const { context, problem } = sent(schema, { list: Array.from({ length: 20_000 }, () => leaf) })
    expect(context).toEqual({})
    expect(problem).toContain('too large')
  })
})

describe('undeclared keys of other libraries', () => {
  test('are not sent by zod and Valibot, under unions and transformations', () => {
    const secret = { a: { b: 'x', secret: SECRET }, secret: SECRET }
    const schemas: readonly unknown[] = [
      z.object({ a: z.object({ b: z.string() }).nullable() }),
      z.object({ a: z.union([z.object({ c: z.string() }), z.object({ b: z.string() })]) }),
      z.object({ a: z.object({ b: z.string().transform((text) => text.trim()) }), d: z.date().optional() }),
      v.object({ a: v.nullable(v.object({ b: v.string() })) }),
      v.object({ a: v.union([v.object({ c: v.string() }), v.object({ b: v.string() })]) }),
      v.pipe(
        v.object({ a: v.object({ b: v.string() }) }),
        v.transform((value) => value),
      ),
    ]
    for (const schema of schemas) expect(sent(schema, secret).context).toEqual({ a: { b: 'x' } })
  })

  const custom = (validate: (value: unknown) => { readonly value: unknown } | { readonly issues: [] }): unknown => ({
    '~standard': { version: 1, vendor: 'custom', validate },
  })

  test('are not sent if a library without JSON Schema keeps them: the context is {} and logged', () => {
    const { context, problem } = sent(
      custom((value) => ({ value })),
      { b: 'x', secret: SECRET },
    )
    expect(context).toEqual({})
    expect(problem).toContain('undeclared keys')
    const nested = custom((value) => ({ value: { a: (value as { a: unknown }).a } }))
    expect(sent(nested, { a: { secret: SECRET } }).context).toEqual({})
  })

  test('let a context through if such a library removes or rejects them', () => {
    const removing = custom((value) => ({ value: { b: (value as { b: unknown }).b } }))
    expect(sent(removing, { b: 'x', secret: SECRET })).toEqual({ context: { b: 'x' }, problem: undefined })
    const rejecting = custom((value) => (Object.keys(value as object).join() === 'b' ? { value } : { issues: [] }))
    expect(sent(rejecting, { b: 'x' })).toEqual({ context: { b: 'x' }, problem: undefined })
  })
})

// A schema in the terms of all three libraries, a value that it declares, and the same value with undeclared keys.
interface Case {
  readonly schemas: readonly unknown[]
  readonly declared: unknown
  readonly given: unknown
}

const text: fc.Arbitrary<Case> = fc
  .string({ maxLength: 5 })
  .map((value) => ({ schemas: [z.string(), type('string'), v.string()], declared: value, given: value }))
const whole: fc.Arbitrary<Case> = fc
  .integer()
  .map((value) => ({ schemas: [z.number(), type('number'), v.number()], declared: value, given: value }))

const each = (schemas: readonly unknown[], make: readonly ((schema: never) => unknown)[]): readonly unknown[] =>
  schemas.map((schema, index) => make[index]?.(schema as never))

function objectOf(fields: Readonly<Record<string, Case>>, extra: readonly string[]): Case {
  const entries = Object.entries(fields)
  const of = (index: number): Record<string, never> =>
    Object.fromEntries(entries.map(([key, { schemas }]) => [key, schemas[index] as never]))
  const pick = (part: 'declared' | 'given'): object =>
    Object.fromEntries(entries.map(([key, value]) => [key, value[part]]))
  const added = extra.map((key) => [key, { [SECRET]: SECRET }])
  return {
    schemas: [z.object(of(0)), type(of(1)), v.object(of(2))],
    declared: pick('declared'),
    given: { ...Object.fromEntries(added), ...pick('given') },
  }
}

const { tree } = fc.letrec<{ tree: Case; object: Case }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    whole,
    tie('object'),
    tie('object').map(({ schemas, ...values }) => ({
      schemas: each(schemas, [
        (s: z.ZodType) => s.nullable(),
        (s: { or(o: string): unknown }) => s.or('null'),
        (s: never) => v.nullable(s),
      ]),
      ...values,
    })),
    fc.tuple(tie('tree'), fc.nat(2)).map(([{ schemas, declared, given }, length]) => ({
      schemas: each(schemas, [
        (s: z.ZodType) => z.array(s),
        (s: { array(): unknown }) => s.array(),
        (s: never) => v.array(s),
      ]),
      declared: Array.from({ length }, () => declared),
      given: Array.from({ length }, () => given),
    })),
    fc.tuple(tie('object'), tie('object')).map(([first, second]) => {
      // Two members with different keys, so that both libraries choose the same one.
      const a = objectOf({ kindA: first }, ['x'])
      const b = objectOf({ kindB: second }, [])
      return {
        schemas: a.schemas.map((schema, index) => {
          if (index === 0) return z.union([schema as z.ZodType, b.schemas[0] as z.ZodType])
          return index === 1
            ? (schema as { or(o: unknown): unknown }).or(b.schemas[1])
            : v.union([schema as never, b.schemas[2] as never])
        }),
        declared: a.declared,
        given: a.given,
      }
    }),
  ),
  object: fc
    .tuple(
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('tree'), { maxKeys: 3, noNullPrototype: true }),
      fc.subarray(['secret', 'x', 'zz', 'password']),
    )
    .map(([fields, extra]) => objectOf(fields, extra)),
}))

test('a property: zod, ArkType and Valibot contexts reach the client with declared keys only', () => {
  const RUNS = 500
  fc.assert(
    fc.property(tree, fc.nat(2), (value, library) => {
      const root = objectOf({ root: value }, ['secret'])
      const { context, problem } = sent(root.schemas[library], root.given)
      expect(problem).toBeUndefined()
      // Deeper parts are marked as truncated.
      expect(context).toEqual(toJson(root.declared))
    }),
    { numRuns: RUNS },
  )
})

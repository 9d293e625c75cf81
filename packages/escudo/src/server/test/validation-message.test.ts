import { type } from 'arktype'
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Finding } from '../../errors/catalogue/well-known.ts'
import { read } from '../../errors/safe-read.ts'
import type { StandardSchema } from '../../errors/standard-schema.ts'
import { validateParts } from '../validation.ts'

async function findings(schema: unknown, value: unknown): Promise<readonly Finding[]> {
  const error = await Promise.resolve(validateParts([{ part: 'body', schema: schema as StandardSchema, value }])).catch(
    (reason) => reason,
  )
  return read(read(error, 'context'), 'errors') as readonly Finding[]
}

describe('the message of a finding', () => {
  test.each<readonly [string, unknown, unknown, Partial<Finding>]>([
    [
      'a list, ArkType',
      type({ role: "'admin'|'user'" }),
      { role: ['S'] },
      { pointer: '/role', code: 'union', message: 'role must be "admin" or "user"' },
    ],
    [
      'text with quotes, ArkType',
      type({ role: "'admin'|'user'" }),
      { role: 'x"S"' },
      { message: 'role must be "admin" or "user"' },
    ],
    [
      'an object, ArkType',
      type({ role: "'admin'|'user'" }),
      { role: { a: 'S' } },
      { message: 'role must be "admin" or "user"' },
    ],
    ['a number, ArkType', type({ n: 'number > 9000' }), { n: 4_321 }, { message: 'n must be more than 9000' }],
    [
      'a union of objects, ArkType',
      type({ u: type({ a: "'x'" }).or({ b: "'y'" }) }),
      { u: { a: 'S', b: 'S' } },
      { message: 'Invalid value' },
    ],
    [
      'several bounds, ArkType',
      type({ n: 'number%2 & number < 10' }),
      { n: 101 },
      { message: 'Expected ◦ even ◦ less than 10' },
    ],
    [
      'a custom message, ArkType',
      type({ n: type('string').configure({ message: 'Enter a name.' }) }),
      { n: 5 },
      { message: 'Enter a name.' },
    ],
    [
      'an undeclared key, ArkType',
      type({ '+': 'reject', a: 'string' }),
      { a: 'x', secretkey: 1 },
      { pointer: '/secretkey', message: 'Unknown key' },
    ],
    ['nothing, ArkType', type({ a: 'string' }), {}, { pointer: '/a', code: 'required', message: 'a must be a string' }],
    [
      'text with quotes, Valibot',
      v.object({ r: v.picklist(['a', 'b']) }),
      { r: 'S"e' },
      { code: 'picklist', message: 'Expected ("a" | "b")' },
    ],
    [
      'an e-mail, Valibot',
      v.object({ e: v.pipe(v.string(), v.email()) }),
      { e: 'S' },
      { code: 'email', message: 'Invalid value' },
    ],
    [
      'a number, Valibot',
      v.object({ n: v.pipe(v.number(), v.minValue(9)) }),
      { n: 1 },
      { code: 'min_value', message: 'Expected >=9' },
    ],
    ['a custom message, Valibot', v.object({ n: v.string('Enter a name.') }), { n: 5 }, { message: 'Enter a name.' }],
    [
      'an undeclared key, Valibot',
      v.strictObject({ a: v.string() }),
      { a: 'x', secretkey: 1 },
      { message: 'Unknown key' },
    ],
    [
      'an undeclared key, zod',
      z.strictObject({ a: z.string() }),
      { a: 'x', secretkey: 1 },
      { pointer: '', message: 'Unknown key' },
    ],
    [
      'a choice, zod',
      z.object({ r: z.enum(['a', 'b']) }),
      { r: 'S"e' },
      { message: 'Invalid option: expected one of "a"|"b"' },
    ],
    [
      'a message with the value, zod',
      z.object({ n: z.string().refine(() => false, { error: ({ input }) => `bad ${String(input)}` }) }),
      { n: 'S' },
      { code: 'custom', message: 'Invalid value' },
    ],
    [
      'a message with another value, zod',
      z
        .object({ a: z.string(), b: z.string() })
        .refine(() => false, { path: ['b'], error: (issue) => `not ${String(read(issue.input, 'a'))}` }),
      { a: 'a long password', b: 'x' },
      { pointer: '/b', message: 'Invalid value' },
    ],
    [
      'a message about two fields, zod',
      z.object({ from: z.number(), until: z.number() }).refine(() => false, 'from must be before until'),
      { from: 2, until: 1 },
      { pointer: '', message: 'from must be before until' },
    ],
  ])('does not repeat %s', async (_, schema, value, expected) => {
    expect((await findings(schema, value))[0]).toMatchObject(expected)
  })

  test('is generic for a rejected value that is too large to compare', async () => {
    const [finding] = await findings(z.object({ n: z.string().max(5, 'Too long.') }), { n: 'x'.repeat(200_000) })
    expect(finding?.message).toBe('Invalid value')
  })
})

// Sentinels in every form that a value can have.
const SENTINELS = [
  'SENTINEL-7f3a',
  'x"SENTINEL-7f3a"',
  "it's SENTINEL-7f3a",
  'a\\SENTINEL-7f3a\n',
  '<SENTINEL-7f3a>',
  'SENTINEL-7f3a'.repeat(40),
]
const sentinel: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...SENTINELS),
  fc.constant(73_019_456),
  fc.constant(-73_019_456.5),
)
const hostile = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    sentinel,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'kind', 'n'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value

const SCHEMAS: readonly (readonly [string, readonly unknown[]])[] = [
  [
    'zod',
    [
      z.object({ a: z.enum(['x', 'y']), b: z.number().max(5), kind: z.literal('k'), n: z.email() }),
      z.strictObject({ a: z.union([z.number().int().max(3), z.object({ b: z.boolean() })]) }),
      z.discriminatedUnion('kind', [z.object({ kind: z.literal('k') }), z.object({ kind: z.literal('l') })]),
      z.record(z.enum(['a']), z.string().regex(/^q/)),
      z.tuple([z.date(), z.map(z.string(), z.string())]),
      z.object({
        a: z
          .string()
          .max(1)
          .refine(() => false, { error: ({ input }) => `is ${JSON.stringify(input)}` }),
      }),
      z
        .object({ a: z.any() })
        .superRefine((value, context) =>
          context.addIssue({ code: 'custom', path: ['b'], message: `has ${JSON.stringify(value.a)}` }),
        ),
    ],
  ],
  [
    'ArkType',
    [
      type({ a: "'x'|'y'", b: 'number < 5', kind: "'k'", n: 'string.email' }),
      type({ '+': 'reject', a: type('number.integer < 3').or({ b: 'boolean' }) }),
      type({ kind: "'k'", a: 'string' }).or({ kind: "'l'", b: 'number' }),
      type({ a: { b: "'x'" } }).or({ a: { b: 'number > 9000000000' }, n: 'boolean' }),
      type({ '[string]': '/^q/' }),
      type({ a: 'string.json.parse', b: 'string.date.parse', n: 'string.integer.parse' }),
      type({ a: type('unknown').narrow((value, context) => context.mustBe(`not ${JSON.stringify(value)}`)) }),
      type({ a: 'string[] > 5', n: 'number%2 & number < 10' }),
    ],
  ],
  [
    'Valibot',
    [
      v.object({
        a: v.picklist(['x', 'y']),
        b: v.pipe(v.number(), v.maxValue(5)),
        kind: v.literal('k'),
        n: v.pipe(v.string(), v.email()),
      }),
      v.strictObject({ a: v.union([v.pipe(v.number(), v.maxValue(3)), v.object({ b: v.boolean() })]) }),
      v.variant('kind', [v.object({ kind: v.literal('k') }), v.object({ kind: v.literal('l') })]),
      v.record(v.picklist(['a']), v.pipe(v.string(), v.regex(/^q/))),
      v.strictTuple([v.date(), v.string()]),
      v.object({
        a: v.pipe(
          v.unknown(),
          v.check(
            () => false,
            ({ input }) => `is ${JSON.stringify(input)}`,
          ),
        ),
      }),
      v.object({ a: v.pipe(v.string(), v.maxLength(1), v.startsWith('q')), n: v.pipe(v.string(), v.uuid()) }),
    ],
  ],
]

describe('a property: no finding contains a value of the request', () => {
  const RUNS = 1_000
  test.each(SCHEMAS)('%s', async (_, schemas) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...schemas), hostile, async (schema, value) => {
        const text = JSON.stringify((await findings(schema, value)) ?? [])
        expect(text).not.toMatch(/sentinel|7f3a|73019456|73,019/i)
      }),
      { numRuns: RUNS },
    )
  })
})

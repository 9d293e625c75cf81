import { expect, test } from 'vitest'
import { sampleOf } from '../sample.ts'

test.each<[unknown, unknown]>([
  [true, 'text'],
  [false, null],
  [{ examples: [7, 8] }, 7],
  [{ examples: [], example: 9 }, 9],
  [{ const: null }, null],
  [{ default: 'd' }, 'd'],
  [{ enum: ['a', 'b'] }, 'a'],
  [{ anyOf: [{ type: 'null' }, { type: 'boolean' }] }, true],
  [{ oneOf: [{ type: 'null' }] }, null],
  [
    {
      allOf: [
        { properties: { a: { const: 1 } }, required: ['a'] },
        { properties: { b: { const: 2 } }, required: ['b'] },
      ],
    },
    { a: 1, b: 2 },
  ],
  [{ allOf: [{ type: 'string' }, { minLength: 1 }] }, 'text'],
  [{ type: ['null', 'integer'] }, 1],
  [{ type: ['null'] }, null],
  [{ type: 'null' }, null],
  [{ type: 'array' }, ['text']],
  [{ type: 'array', items: { type: 'boolean' } }, [true]],
  [
    { type: 'object', properties: { a: { type: 'string' }, b: { example: 1 }, c: {} }, required: ['a'] },
    { a: 'a', b: 1 },
  ],
  [{ type: 'string', minLength: 6 }, 'textte'],
  [{ type: 'string', maxLength: 2 }, 'te'],
  [{ type: 'string', format: 'no-such-format' }, 'text'],
  [{ type: 'number', multipleOf: 5 }, 5],
  [{ type: 'number', minimum: 3 }, 3],
  [{ type: 'number', exclusiveMinimum: 1 }, 2],
  [{ type: 'number', maximum: 0.5 }, 0.5],
  [{ type: 'number', exclusiveMaximum: 1 }, 0],
  [{}, 'text'],
])('makes a value for %j', (schema, expected) => {
  expect(sampleOf(schema)).toEqual(expected)
})

test('fills an empty name up to the minimum length', () => {
  expect(sampleOf({ type: 'string', minLength: 3 }, '')).toBe('xxx')
})

test('ends a schema that nests without end', () => {
  const schema: Record<string, unknown> = { type: 'array' }
  schema['items'] = schema
  expect(JSON.stringify(sampleOf(schema))).toMatch(/^\[+null\]+$/)
})

import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { verdictOfError } from '../../classification.ts'
import { FACTS } from '../../error-facts.ts'
import { defineErrors } from '../catalogue.ts'

const Errors = defineErrors({
  ITEM_NOT_FOUND: {
    status: 404,
    message: { es: "Item con ID '{id}' no encontrado.", en: "Item with ID '{id}' not found." },
    context: z.object({ recurso: z.string(), id: z.string() }),
  },
  PRODUCTS_FAILED: {
    status: 502,
    code: 'UPSTREAM_ERROR',
    message: { es: 'El servicio de productos falló: {status}' },
    context: z.object({ status: z.union([z.number(), z.string()]) }),
  },
  STOCK_FAILED: { status: 502, code: 'UPSTREAM_ERROR', message: 'Stock failed.' },
  SOLD_OUT: { status: 409, message: 'Sold out.', context: z.object({ left: z.number().optional() }) },
})

describe('a catalogue error', () => {
  test('is an Error with code, status, kind, context and rendered message', () => {
    const cause = new Error('driver')
    const error = new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id: 'item9' }, { cause, internal: { table: 'items' } })
    expect(error).toBeInstanceOf(Error)
    expect(error).toBeInstanceOf(Errors.ITEM_NOT_FOUND)
    expect(error).toMatchObject({
      name: 'ITEM_NOT_FOUND',
      message: "Item with ID 'item9' not found.",
      code: 'ITEM_NOT_FOUND',
      status: 404,
      kind: 'business',
      context: { recurso: 'Item', id: 'item9' },
      internal: { table: 'items' },
      cause,
    })
    expect(error.stack).toContain("ITEM_NOT_FOUND: Item with ID 'item9' not found.")
  })

  test('has the kind of its status; policies count technical errors and ignore business errors', () => {
    expect(Errors.PRODUCTS_FAILED.kind).toBe('technical')
    expect(verdictOfError(new Errors.PRODUCTS_FAILED({ status: 500 }))).toBe('failure')
    expect(verdictOfError(new Errors.SOLD_OUT())).toBe('ignored')
  })

  test('is() recognises its own errors only, not another entry with the same wire code', () => {
    const error: unknown = new Errors.PRODUCTS_FAILED({ status: 500 })
    expect(Errors.PRODUCTS_FAILED.is(error)).toBe(true)
    expect(Errors.STOCK_FAILED.is(error)).toBe(false)
    expect(Errors.PRODUCTS_FAILED.code).toBe('UPSTREAM_ERROR')
    for (const value of [null, undefined, 'ITEM_NOT_FOUND', { code: 'ITEM_NOT_FOUND' }, hostileProxy()]) {
      expect(Errors.ITEM_NOT_FOUND.is(value)).toBe(false)
    }
  })

  test('is() recognises an error of a second installed copy', () => {
    const entry = Object.getPrototypeOf(new Errors.SOLD_OUT())[Symbol.for('escudo.entry')]
    const copy = Object.assign(new Error('Sold out.'), { context: {} })
    Object.defineProperty(copy, FACTS, { value: { code: 'SOLD_OUT', status: 409, kind: 'business' } })
    Object.defineProperty(copy, Symbol.for('escudo.entry'), {
      value: structuredClone({ name: entry.name, definition: {} }),
    })
    expect(Errors.SOLD_OUT.is(copy)).toBe(true)
  })

  test('is created even if its context is hostile', () => {
    expect(new Errors.ITEM_NOT_FOUND(hostileProxy() as never).message).toBe("Item with ID '?' not found.")
    expect(new Errors.ITEM_NOT_FOUND(Object.create({ id: 'inherited' })).message).toBe("Item with ID '?' not found.")
    expect(new Errors.ITEM_NOT_FOUND(null as never).message).toBe("Item with ID '?' not found.")
  })
})

describe('defineErrors', () => {
  const entry = { status: 404, message: 'No.' }
  test.each([
    ['a code in lower case', { item_not_found: entry }],
    ['a code of one letter', { A: entry }],
    ['a code that ends in an underscore', { ITEM_: entry }],
    ['a code of 64 characters', { ['A'.repeat(64)]: entry }],
    ['an invalid wire code', { OK: { ...entry, code: 'nope' } }],
    ['a status below 400', { ITEM: { ...entry, status: 200 } }],
    ['a status that is not a number', { ITEM: { ...entry, status: '404' } }],
    ['a status beyond 599', { ITEM: { ...entry, status: 600 } }],
    ['a missing message', { ITEM: { status: 404 } }],
    ['an empty message', { ITEM: { ...entry, message: {} } }],
    ['a message that is not a string', { ITEM: { ...entry, message: { es: 5 } } }],
    ['a context that is not a schema', { ITEM: { ...entry, context: { id: 'string' } } }],
    ['an unknown kind', { ITEM: { ...entry, kind: 'mixed' } }],
    ['an unknown level', { ITEM: { ...entry, level: 'warn' } }],
    ['an unknown option', { ITEM: { ...entry, mesage: 'x' } }],
    ['an entry that is null', { ITEM: null }],
  ])('rejects %s', (_, definitions) => {
    expect(() => defineErrors(definitions as never)).toThrow(TypeError)
  })

  test('accepts a code of 63 characters', () => {
    expect(() => defineErrors({ ['A'.repeat(63)]: entry })).not.toThrow()
  })
})

test('types: literal codes, contexts of the schema, no placeholder without a key', () => {
  const error = new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id: 'x' })
  expectTypeOf(error.code).toEqualTypeOf<'ITEM_NOT_FOUND'>()
  expectTypeOf(error.context).toEqualTypeOf<{ recurso: string; id: string }>()
  expectTypeOf(Errors.PRODUCTS_FAILED.code).toEqualTypeOf<'UPSTREAM_ERROR'>()
  const compiled = (): void => {
    // @ts-expect-error the context is required
    new Errors.ITEM_NOT_FOUND()
    // @ts-expect-error a key is missing
    new Errors.ITEM_NOT_FOUND({ id: 'x' })
    // @ts-expect-error there is no context
    new Errors.STOCK_FAILED({ id: 'x' })
    new Errors.STOCK_FAILED(undefined, { retryAfterMs: 5 })
    new Errors.SOLD_OUT()
    // @ts-expect-error the context has no 'name'
    defineErrors({ ITEM: { status: 404, message: { es: 'No hay {name}.' }, context: z.object({ id: z.string() }) } })
    // @ts-expect-error there is no context at all
    defineErrors({ ITEM: { status: 404, message: 'No {id}.' } })
    // @ts-expect-error every object has 'constructor', but it is not a key of the context
    defineErrors({ ITEM: { status: 404, message: 'No {constructor}.', context: z.object({ id: z.string() }) } })
    defineErrors({ ITEM: { status: 404, message: 'No {id}.', context: z.object({ id: z.string() }) } })
  }
  expect(compiled).toBeTypeOf('function')
  const caught: unknown = error
  if (Errors.ITEM_NOT_FOUND.is(caught)) expectTypeOf(caught.context.id).toEqualTypeOf<string>()
})

function hostileProxy(): object {
  const refuse = (): never => {
    throw new Error('trap')
  }
  return new Proxy(
    {},
    { get: refuse, has: refuse, ownKeys: refuse, getOwnPropertyDescriptor: refuse, getPrototypeOf: refuse },
  )
}

import { runInNewContext } from 'node:vm'
import { defineErrors } from 'escudo/errors'
import { afterEach, describe, expect, test } from 'vitest'

const FRAME = /\n\s+at /

const definitions = {
  SOLD_OUT: { status: 409, message: 'Sold out: {item}.' },
  STORE_DOWN: { status: 503, message: 'The store is down.' },
  QUOTA: { status: 503, kind: 'business', message: 'Come back later.' },
} as const
const Errors = defineErrors(definitions as never) as unknown as Record<
  keyof typeof definitions,
  new (
    context?: unknown,
    details?: object,
  ) => Error
>

const limit = Error.stackTraceLimit
afterEach(() => {
  Object.defineProperty(Error, 'stackTraceLimit', {
    value: limit,
    writable: true,
    enumerable: true,
    configurable: true,
  })
})

describe('the stack of a catalogue error', () => {
  test('a business error has no frames and says how to get them', () => {
    for (const make of [() => new Errors.SOLD_OUT(), () => new Errors.QUOTA()]) {
      const { stack = '' } = make()
      expect(stack).not.toMatch(FRAME)
      expect(stack).toContain('{ stacks: true }')
    }
    expect(new Errors.SOLD_OUT().stack).toMatch(/^SOLD_OUT: Sold out: \?\.\n/)
  })

  test('a technical error has its frames', () => {
    expect(new Errors.STORE_DOWN().stack).toMatch(FRAME)
    expect(new Errors.STORE_DOWN().stack).toContain('stacks.test.ts')
  })

  test('a subclass whose name is not readable yet, or no text, can be made', () => {
    class Late extends Errors.SOLD_OUT {
      readonly extra = { id: 1 }
      override get name(): string {
        return `Late${this.extra.id}`
      }
    }
    class Nameless extends Errors.SOLD_OUT {
      override get name(): never {
        return Symbol('name') as never
      }
    }
    for (const Class of [Late, Nameless]) expect(new Class().stack).toMatch(/^SOLD_OUT: /)
    expect(new Late().name).toBe('Late1')
  })

  test('with `stacks: true`, every error has its frames', () => {
    const WithStacks = defineErrors(definitions as never, { stacks: true }) as unknown as typeof Errors
    for (const name of ['SOLD_OUT', 'QUOTA', 'STORE_DOWN'] as const) {
      const { stack = '' } = new WithStacks[name]()
      expect(stack).toContain('stacks.test.ts')
      expect(stack).not.toContain('stacks: true')
    }
  })

  test('with `stacks: false`, a business error does not explain itself; a technical one keeps its frames', () => {
    const Silent = defineErrors(definitions as never, { stacks: false }) as unknown as typeof Errors
    expect(new Silent.SOLD_OUT().stack?.trim()).toBe('SOLD_OUT: Sold out: ?.')
    expect(new Silent.STORE_DOWN().stack).toMatch(FRAME)
  })

  test('a subclass is named in the text', () => {
    class Special extends Errors.SOLD_OUT {}
    Special.prototype.name = 'Special'
    expect(new Special().stack).toMatch(/^Special: Sold out/)
  })

  test('the stack is as invisible as that of any error', () => {
    const error = new Errors.SOLD_OUT()
    expect(Object.keys(error)).not.toContain('stack')
    expect(JSON.stringify(error)).not.toContain('stacks')
    expect(Object.getOwnPropertyDescriptor(error, 'stack')?.enumerable).toBe(false)
  })

  test.each([
    ['an option that is no boolean', { stacks: 1 }, 'defineErrors.stacks'],
    ['a misspelled option', { stack: true }, 'defineErrors.stack'],
    ['null', null, 'defineErrors'],
  ])('rejects %s', (_name, options, path) => {
    expect(() => defineErrors({}, options as never)).toThrow(expect.objectContaining({ path }))
  })
})

describe('Error.stackTraceLimit', () => {
  const restored: readonly (readonly [string, () => unknown])[] = [
    ['after an error', () => new Errors.SOLD_OUT()],
    ['after a hostile context', () => new Errors.SOLD_OUT(hostile)],
    ['after a hostile detail', () => new Errors.SOLD_OUT({}, Object.defineProperty({}, 'cause', { get: fail }))],
    ['after a context that creates errors', () => new Errors.SOLD_OUT(creating)],
    ['after a class that cannot be constructed', () => Reflect.construct(Errors.SOLD_OUT, [], revoked())],
  ]
  test.each(restored)('is unchanged %s', (_name, make) => {
    Error.stackTraceLimit = 7
    try {
      make()
    } catch {
      // Only the limit matters.
    }
    expect(Error.stackTraceLimit).toBe(7)
    expect(new Error('after').stack).toMatch(FRAME)
  })

  test('code of the context sees the limit of the program', () => {
    const seen: number[] = []
    new Errors.SOLD_OUT({
      get item() {
        seen.push(Error.stackTraceLimit)
        return 'x'
      },
    })
    expect(seen).toEqual([limit])
  })

  const realms: readonly (readonly [string, PropertyDescriptor | undefined])[] = [
    ['is absent, as in Firefox', undefined],
    ['cannot be set, as with frozen intrinsics', { value: 10, writable: false, configurable: true }],
    ['has an accessor without a setter', { get: () => 10, configurable: true }],
    ['has accessors that throw', { get: fail, set: fail, configurable: true }],
    ['has a setter that throws', { get: () => 10, set: fail, configurable: true }],
  ]
  test.each(realms)('an error is created, with its frames or without, if the limit %s', (_name, descriptor) => {
    if (descriptor === undefined) Reflect.deleteProperty(Error, 'stackTraceLimit')
    else Object.defineProperty(Error, 'stackTraceLimit', descriptor)
    const error = new Errors.SOLD_OUT({ item: 'x' })
    expect(error.message).toBe('Sold out: x.')
    expect(Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')).toEqual(
      descriptor === undefined ? undefined : expect.objectContaining(descriptor),
    )
  })

  test('an error is created although `stack` of every error rejects a value', () => {
    const frozen = Object.getOwnPropertyDescriptor(Error.prototype, 'stack')
    Object.defineProperty(Error.prototype, 'stack', { set: fail, get: () => 'fixed', configurable: true })
    try {
      expect(new Errors.SOLD_OUT().message).toBe('Sold out: ?.')
    } finally {
      if (frozen === undefined) Reflect.deleteProperty(Error.prototype, 'stack')
      else Object.defineProperty(Error.prototype, 'stack', frozen)
    }
  })
})

const creating = Object.defineProperty({}, 'item', { get: () => String(new Errors.SOLD_OUT()) })
const hostile = new Proxy(
  {},
  {
    get: fail,
    getOwnPropertyDescriptor: fail,
  },
)

function fail(): never {
  throw new Error('hostile')
}

/** A constructor whose prototype cannot be read. */
function revoked(): new () => object {
  const { proxy, revoke } = Proxy.revocable(function Target() {}, {})
  revoke()
  return proxy as unknown as new () => object
}

test('an error of another realm is read as before', () => {
  const foreign: unknown = runInNewContext('new Error("foreign")')
  expect(new Errors.SOLD_OUT({}, { cause: foreign }).cause).toBe(foreign)
})

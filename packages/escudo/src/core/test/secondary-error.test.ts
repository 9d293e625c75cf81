import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { SecondaryError, withCause } from '../secondary-error.ts'

const ORIGINAL = new Error('connection refused')

describe('withCause', () => {
  test('returns the later error with the original error as its cause', () => {
    const later = new TypeError('bug in the fallback')
    expect(withCause(later, ORIGINAL)).toBe(later)
    expect(later.cause).toBe(ORIGINAL)
    expect(Object.keys(later)).toEqual([])
  })

  test('returns the error unchanged if both are the same object', () => {
    const error = new Error('one and the same')
    expect(withCause(error, error)).toBe(error)
    expect(error.cause).toBeUndefined()
  })

  test('returns the error unchanged if the original is its cause already', () => {
    const later = new Error('stock unknown', { cause: ORIGINAL })
    expect(withCause(later, ORIGINAL)).toBe(later)
    expect(later.cause).toBe(ORIGINAL)
  })

  test.each<[string, unknown]>([
    ['a string', 'later'],
    ['undefined', undefined],
    ['an object that is no error', { message: 'later' }],
    ['a revoked proxy', revokedProxy()],
  ])('wraps %s in a SecondaryError whose cause is the original', (_what, later) => {
    const error = withCause(later, ORIGINAL) as SecondaryError
    expect(error).toBeInstanceOf(SecondaryError)
    expect([error.name, error.code, error.cause]).toEqual(['SecondaryError', 'SECONDARY_FAILURE', ORIGINAL])
    expect(error.error === later).toBe(true)
  })

  test.each<[string, () => Error]>([
    ['a cause already', () => new Error('later', { cause: 'own' })],
    ['the original as its cause', () => new Error('later', { cause: ORIGINAL })],
    [
      'the original deeper in its chain',
      () => new Error('later', { cause: new Error('between', { cause: ORIGINAL }) }),
    ],
    ['the original among its errors', () => new AggregateError([new Error('first'), ORIGINAL], 'later')],
    ['no room for a cause, because it is frozen', () => Object.freeze(new Error('later'))],
  ])('returns an error unchanged that has %s', (_what, make) => {
    const later = make()
    const { cause } = later
    expect(withCause(later, ORIGINAL)).toBe(later)
    expect(later.cause).toBe(cause)
  })

  test('gives an error that is thrown for several calls the cause of the last call', () => {
    const constant = new Error('sold out')
    const second = new Error('timed out')
    expect(withCause(constant, ORIGINAL)).toBe(constant)
    expect(withCause(constant, second)).toBe(constant)
    expect(constant.cause).toBe(second)
  })

  test('makes no circle if the later error is a cause of the original', () => {
    const root = new Error('root')
    expect(withCause(root, new Error('original', { cause: root }))).toBe(root)
    expect(root.cause).toBeUndefined()
  })

  test('returns an error of another realm, such as one of Node inside a test runner, as it is', () => {
    const foreign = runInNewContext('new TypeError("of another realm")') as Error
    expect(withCause(foreign, ORIGINAL)).toBe(foreign)
    expect(foreign.cause).toBe(ORIGINAL)
  })

  test('searches errors that contain themselves many times, without delay', () => {
    const circle = new AggregateError([], 'circle')
    circle.errors = Array(8).fill(circle)
    circle.cause = circle
    const later = new Error('later')
    const startMs = performance.now()
    expect(withCause(later, circle)).toBe(later)
    expect(later.cause).toBe(circle)
    expect(performance.now() - startMs).toBeLessThan(200)
  })

  test.each<[string, () => Error]>([
    ['whose list of errors is a revoked proxy', () => Object.assign(new Error('later'), { errors: revokedProxy([]) })],
    [
      'whose cause cannot be read',
      () =>
        Object.defineProperty(new Error('later'), 'cause', {
          get() {
            throw new Error('hostile getter')
          },
        }),
    ],
    [
      'that refuses a new property',
      () =>
        new Proxy(new Error('later'), {
          defineProperty() {
            throw new Error('hostile trap')
          },
        }),
    ],
  ])('returns an error %s', (_what, make) => {
    const later = make()
    expect(withCause(later, ORIGINAL) === later).toBe(true)
  })
})

function revokedProxy(target: object = {}): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

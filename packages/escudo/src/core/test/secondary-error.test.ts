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
    ['an error that has a cause already', new Error('later', { cause: 'own' })],
    ['a frozen error', Object.freeze(new Error('later'))],
    ['a string', 'later'],
    ['undefined', undefined],
    ['an object that is no error', { message: 'later' }],
  ])('wraps %s in a SecondaryError whose cause is the original', (_what, later) => {
    const error = withCause(later, ORIGINAL)
    expect(error).toBeInstanceOf(SecondaryError)
    expect(error).toMatchObject({ name: 'SecondaryError', code: 'SECONDARY_FAILURE', error: later, cause: ORIGINAL })
  })

  test.each<[string, () => unknown]>([
    [
      'a revoked proxy',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return proxy
      },
    ],
    [
      'an error whose cause cannot be read',
      () =>
        Object.defineProperty(new Error('later'), 'cause', {
          get() {
            throw new Error('hostile getter')
          },
        }),
    ],
    [
      'an error that refuses a new property',
      () =>
        new Proxy(new Error('later'), {
          defineProperty() {
            throw new Error('hostile trap')
          },
        }),
    ],
  ])('wraps %s in a SecondaryError, so that the original is not lost', (_what, make) => {
    expect(withCause(make(), ORIGINAL)).toMatchObject({ code: 'SECONDARY_FAILURE', cause: ORIGINAL })
  })
})

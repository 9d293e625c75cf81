import { describe, expect, test } from 'vitest'
import { FACTS } from '../../../errors/error-facts.ts'
import { circuitBreaker, consecutive, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { lastFailureOf } from '../last-failure.ts'
import { setUp } from './setup.ts'

const facts = (code: string): object => ({ [FACTS]: { code, status: 503, kind: 'technical' } })

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

describe('a failure of hostile shape is counted, and its breaker can be saved and restored', () => {
  test.each<[string, () => unknown]>([
    ['a revoked proxy', () => revoked({})],
    ['an error whose list of errors is a revoked proxy', () => Object.assign(new Error('x'), { errors: revoked([]) })],
    [
      'an error whose list of errors cannot be read',
      () =>
        Object.assign(new Error('x'), {
          errors: new Proxy([], {
            get() {
              throw new Error('hostile trap')
            },
          }),
        }),
    ],
    ['an error with an empty code', () => Object.assign(new Error('x'), facts(''))],
    ['an error with a long code', () => Object.assign(new Error('x'), facts('x'.repeat(10_000)))],
    [
      'an error whose name and code are symbols',
      () => Object.assign(new Error('x'), { name: Symbol(), code: Symbol() }),
    ],
    ['undefined', () => undefined],
  ])('%s', async (_what, make) => {
    const { breaker, s } = setUp()
    const error = make()
    await s
      .run(() => {
        throw error
      })
      .catch(() => {})
    expect(breaker.state).toBe('open')
    const saved = JSON.parse(JSON.stringify(breaker.save()))
    expect(JSON.stringify(saved).length).toBeLessThan(500)
    expect(circuitBreaker({ restore: saved }).save()).toEqual(saved)
  })
})

describe('lastFailure of a value that a classifier rejects', () => {
  async function lastFailureAfter(value: unknown): Promise<unknown> {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), classify: ({ ok }) => (ok ? 'failure' : 'ignored') })
    const s = shield({ name: 's', clock }, breaker)
    await s.run(() => value)
    const error = await s.run(() => 1).catch((reason) => reason)
    return error.lastFailure
  }

  test('contains no data of the value, which belongs to another caller', async () => {
    class Customer {
      name = 'Ana'
      code = 'SECRET'
      status = 'in debt'
      cause = { code: 'SECRET' }
    }
    expect(await lastFailureAfter(new Customer())).toEqual({ name: 'Customer', code: undefined, at: 0 })
    expect(await lastFailureAfter({ name: 'Ana', code: 'SECRET' })).toMatchObject({ name: 'Object', code: undefined })
  })

  test('has the status of a Response, and the code of a returned error', async () => {
    expect(await lastFailureAfter(new Response('', { status: 503 }))).toEqual({ name: 'Response', code: '503', at: 0 })
    const reset = Object.assign(new TypeError('x'), { code: 'ECONNRESET' })
    expect(await lastFailureAfter(reset)).toEqual({ name: 'TypeError', code: 'ECONNRESET', at: 0 })
  })
})

describe('lastFailure of an error has its name and', () => {
  const named = (properties: object): unknown => Object.assign(new TypeError('x'), properties)
  test.each<[string, unknown, string | undefined]>([
    ['no code, if it has none', named({}), undefined],
    ['its code', named({ code: 'ECONNRESET', cause: { code: 'INNER' }, status: 500 }), 'ECONNRESET'],
    ['the code of its facts rather than its own code', named({ ...facts('DOWN'), code: 'OTHER' }), 'DOWN'],
    ['its own code, if its facts have an empty one', named({ ...facts(''), code: 'OWN' }), 'OWN'],
    ['its own code, if its facts are no facts', named({ [FACTS]: { code: 5 }, code: 'OWN' }), 'OWN'],
    ['its code as text, if that is a number', named({ code: 7 }), '7'],
    ['the code of its cause, if its own code is null', named({ code: null, cause: { code: 'INNER' } }), 'INNER'],
    ['the code of its first part', named({ errors: [{ code: 'PART' }] }), 'PART'],
    ['its status, if nothing has a code', named({ cause: null, status: 503 }), '503'],
  ])('%s', (_what, error, code) => {
    expect(lastFailureOf(error, 3)).toEqual({ name: 'TypeError', code, at: 3 })
  })
})

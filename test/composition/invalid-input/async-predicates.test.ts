import {
  type AnyPolicy,
  adaptiveThrottle,
  bulkhead,
  ConfigurationError,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  exponential,
  fallback,
  hedge,
  retry,
  type Shield,
  shield,
  timeout,
} from 'escudo'
import { createErrorContract, defineErrors } from 'escudo/errors'
import { resilientFetch } from 'escudo/http'
import { virtualClock } from 'escudo/testing'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CountingClock } from '../conservation/counting-clock.ts'

// A function whose result is needed at once must not be asynchronous: a promise is true, and no number. Whatever such a
// function returns, the call ends with an error that names the option, and no rejection stays without a handler.

const unhandled: unknown[] = []
const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
beforeEach(() => void process.on('unhandledRejection', onUnhandled))
afterEach(async () => {
  await new Promise((resolve) => setTimeout(resolve, 0))
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled.splice(0)).toEqual([])
})

const refused = new Error('the predicate failed')
const boom = new Error('down')

class Subclass<T> extends Promise<T> {}

const asynchronous: readonly (readonly [string, (value: unknown) => unknown])[] = [
  ['a promise that resolves', async (value) => value],
  ['a promise that rejects', () => Promise.reject(refused)],
  ['a promise that rejects later', () => new Promise((_resolve, reject) => setImmediate(() => reject(refused)))],
  ['a subclass of Promise that rejects', () => Subclass.reject(refused)],
  ['a thenable that resolves', (value) => ({ then: (resolve: (v: unknown) => void) => resolve(value) })],
  ['a thenable that rejects', () => ({ then: (_: unknown, reject: (e: unknown) => void) => reject(refused) })],
  ['a thenable whose `then` is asynchronous and rejects', () => ({ then: async () => Promise.reject(refused) })],
  [
    'a thenable whose `then` throws',
    () => ({
      then() {
        throw refused
      },
    }),
  ],
  [
    'an object whose `then` cannot be read',
    () => ({
      get then() {
        throw refused
      },
    }),
  ],
]

type Predicate = (value: unknown) => unknown

/** An option of a policy: a valid result of the function, and when the option is used. */
interface Option {
  readonly path: string
  readonly result: unknown
  readonly usedOn: 'failure' | 'both'
  readonly make: (predicate: () => unknown) => AnyPolicy
  /** The shield's `random` in place of an option of the policy. */
  readonly random?: true
}

const afterFailures = { state: 'closed', rampedMs: 0 } as const

const options: readonly Option[] = [
  { path: 'fallback.when', result: true, usedOn: 'failure', make: (when) => fallback('x', { when: when as never }) },
  {
    path: 'retry.classify',
    result: 'success',
    usedOn: 'both',
    make: (classify) => retry({ backoff: constant(0), classify: classify as never }),
  },
  {
    path: 'circuitBreaker.classify',
    result: 'success',
    usedOn: 'both',
    make: (classify) => circuitBreaker({ trip: consecutive(1), classify: classify as never }),
  },
  {
    path: 'retry.backoff.delayMs',
    result: 0,
    usedOn: 'failure',
    make: (delayMs) => retry({ backoff: { delayMs: delayMs as never } }),
  },
  {
    path: 'shield.random',
    result: 0.5,
    usedOn: 'failure',
    random: true,
    make: () => retry({ backoff: exponential({ base: 1 }) }),
  },
  {
    path: 'shield.random',
    result: 0.5,
    usedOn: 'both',
    random: true,
    make: () => circuitBreaker({ ramp: { steps: [0.5], each: '1000h' }, restore: afterFailures }),
  },
]

const build = shield as unknown as (options: object, ...policies: readonly AnyPolicy[]) => Shield

describe('an asynchronous function', () => {
  const cases = options.flatMap((option) =>
    asynchronous.flatMap(([what, returned]) =>
      (['succeeds', 'fails'] as const).map((how) => [option, what, returned, how] as const),
    ),
  )

  test('is an error that names the option, for every option, result and outcome of the call', async () => {
    let used = 0
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...cases),
        fc.boolean(),
        fc.boolean(),
        async ([option, , returned, how], withScope, isAsync) => {
          const inner = virtualClock()
          const clock = new CountingClock(inner)
          const predicate = (): unknown => returned(option.result)
          const s = build(
            { name: 's', clock, ...(option.random === true ? { random: predicate } : {}) },
            bulkhead({ limit: 1 }),
            timeout('1h'),
            option.make(predicate),
            bulkhead({ limit: 1, name: 'inner' }),
          )
          const fail = (): unknown => {
            if (isAsync) return Promise.reject(boom)
            throw boom
          }
          const operation = how === 'fails' ? fail : () => (isAsync ? Promise.resolve('answer') : 'answer')
          for (let repetition = 0; repetition < 2; repetition += 1) {
            const call = s.run(operation, withScope ? { signal: new AbortController().signal } : undefined).then(
              (value) => ({ value }),
              (error) => ({ error }),
            )
            await inner.advance('2h')
            const outcome = await call
            if (how === 'succeeds' && option.usedOn === 'failure') {
              expect(outcome).toEqual({ value: 'answer' })
            } else {
              const { error } = outcome as { error: ConfigurationError }
              expect(error).toBeInstanceOf(ConfigurationError)
              expect(error).toMatchObject({ path: option.path, code: 'INVALID_OPTION' })
              expect(error.message).toBe(`${option.path}: returned a promise; it must be synchronous`)
              // A ramp draws its number before the operation runs.
              const before = option.random === true && option.usedOn === 'both'
              if (how === 'fails' && !before) expect(error.cause).toBe(boom)
              used += 1
            }
            expect(clock.pending).toBe(0)
            for (const status of s.status().policies as readonly Record<string, unknown>[]) {
              expect([status['name'], status['inUse'] ?? 0]).toEqual([status['name'], 0])
            }
          }
        },
      ),
      { numRuns: 1_000 },
    )
    expect(used).toBeGreaterThan(100)
  })
})

describe.each(asynchronous)('%s', (_what, returned) => {
  const throwing = (make: () => unknown): ConfigurationError => {
    try {
      make()
    } catch (error) {
      return error as ConfigurationError
    }
    throw new Error('it did not throw')
  }
  const synchronousOnly = 'returned a promise; it must be synchronous'

  test('from the function `key` of `wrap` rejects the call', async () => {
    const key = (() => returned('k')) as never
    const s = shield('s', bulkhead({ limit: 1 }))
    let called = false
    const wrapped = s.wrap(
      () => {
        called = true
      },
      { key },
    )
    await expect(wrapped()).rejects.toMatchObject({ path: 'wrap.key', message: `wrap.key: ${synchronousOnly}` })
    expect(called).toBe(false)
    expect(s.status().policies[0]).toMatchObject({ inUse: 0 })
  })

  test('from `now` of a clock, or `wrap` of a policy, is refused when the shield is built', () => {
    const clock = { now: () => returned(0), setTimer: () => () => {} }
    expect(throwing(() => shield({ name: 's', clock: clock as never })).message).toBe(
      `shield.clock.now: ${synchronousOnly}`,
    )
    const policy = definePolicy({ name: 'custom', wrap: ((next: unknown) => returned(next)) as never })
    expect(throwing(() => shield('s', policy)).message).toBe(`custom.wrap: ${synchronousOnly}`)
  })

  test('from an adaptive throttle’s random number rejects the call, and releases every permit', async () => {
    const s = build(
      { name: 's', clock: virtualClock(), random: () => returned(0.5) },
      bulkhead({ limit: 1 }),
      adaptiveThrottle(),
    )
    for (let n = 0; n < 5; n += 1) await s.run(() => Promise.reject(boom)).catch(() => {})
    await expect(s.run(() => 1)).rejects.toMatchObject({ message: `shield.random: ${synchronousOnly}` })
    expect(s.status().policies[0]).toMatchObject({ inUse: 0 })
  })

  test('from `template` or `idempotencyKey` of resilientFetch rejects before a request is sent', async () => {
    const sent: unknown[] = []
    const client = (option: object): typeof fetch =>
      resilientFetch({
        name: 'x',
        shield: false,
        fetch: async (input) => {
          sent.push(input)
          return new Response('ok')
        },
        ...option,
      })
    await expect(client({ template: () => returned('/items/:id') })('http://x/items/1')).rejects.toMatchObject({
      message: `resilientFetch.template: ${synchronousOnly}`,
    })
    const post = client({ idempotencyKey: () => returned('k') })('http://x/', { method: 'POST' })
    await expect(post).rejects.toMatchObject({ message: `resilientFetch.idempotencyKey: ${synchronousOnly}` })
    expect(sent).toEqual([])
  })

  test('from a mapper of a contract is ignored: the answer stays that of the error, and the log says why', () => {
    const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
    const known = (): Error => new Errors.SOLD_OUT()
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const contract = (map: readonly Predicate[]) => createErrorContract({ service: 's', errors: Errors, map })
    const ignored = contract([() => undefined, () => returned(known())]).translate(boom, { traceId })
    expect(ignored).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
    expect(ignored.log).toMatchObject({
      error_message: 'down',
      map_problem: `createErrorContract.map[1] ${synchronousOnly}`,
    })
    const next = contract([() => returned(known()), known]).translate(boom, { traceId })
    expect(next).toMatchObject({ status: 409, code: 'SOLD_OUT' })
  })
})

describe('an asynchronous part of a custom budget or policy', () => {
  const asynchronousBudget = {
    deposit: () => {},
    balance: () => 1,
    tryWithdraw: (async () => Promise.reject(refused)) as never,
  }

  test('is an error of the retry that asks the budget, with the original error as its cause', async () => {
    const s = shield('s', bulkhead({ limit: 1 }), retry({ backoff: constant(0), budget: asynchronousBudget }))
    await expect(s.run(() => Promise.reject(boom))).rejects.toMatchObject({
      path: 'retry.budget.tryWithdraw',
      cause: boom,
    })
    expect(s.status().policies[0]).toMatchObject({ inUse: 0 })
  })

  test('makes no hedge, is reported once, and leaves the first attempt alone', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: '1s', budget: { ...asynchronousBudget } }))
    for (let n = 0; n < 2; n += 1) {
      const call = s.run(() => new Promise((resolve) => clock.setTimer(() => resolve('first'), 5_000)))
      await clock.advance('5s')
      expect(await call).toBe('first')
    }
    expect(s.status().policies[0]).toMatchObject({ hedges: 0 })
    expect(warnings.mock.calls.map(([text]) => text)).toEqual([
      'hedge.budget threw (reported once): ConfigurationError: hedge.budget.tryWithdraw: returned a promise; it must be synchronous',
    ])
    warnings.mockRestore()
  })

  test('is an error that names it when it is the policy’s status or check', () => {
    const custom = (part: object): AnyPolicy =>
      ({ name: 'custom', type: 'custom', settings: {}, wrap: (next: unknown) => next, ...part }) as never
    const s = build({ name: 's' }, custom({ status: async () => Promise.reject(refused) }))
    expect(() => s.status()).toThrow('custom.status: returned a promise; it must be synchronous')
    const check = custom({ check: async () => Promise.reject(refused) })
    expect(() => build({ name: 's' }, check)).toThrow('custom.check: returned a promise; it must be synchronous')
  })
})

test('a custom backoff or random source that returns no number is an error that names it', async () => {
  const policy = retry({ backoff: { delayMs: () => '5s' as never } })
  await expect(shield('s', policy).run(() => Promise.reject(boom))).rejects.toMatchObject({
    path: 'retry.backoff.delayMs',
    cause: boom,
    message: "retry.backoff.delayMs: expected a finite number, but it returned '5s'",
  })
  const s = shield({ name: 's', random: () => undefined as never }, retry())
  await expect(s.run(() => Promise.reject(boom))).rejects.toMatchObject({ path: 'shield.random', cause: boom })
})

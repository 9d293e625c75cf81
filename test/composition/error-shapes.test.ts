import {
  type AnyPolicy,
  attemptsOf,
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  explain,
  fallback,
  hedge,
  retry,
  type Shield,
  shield,
  timeout,
  wasCalled,
} from 'escudo'
import { virtualClock } from 'escudo/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

// Errors of any shape through any nested shields: what the operation throws reaches the caller unchanged, and what
// escudo knows about it is right.

const RUNS = 400

class CustomError extends Error {
  readonly details = { of: 'the failure' }
}

/** Errors with fields that escudo also uses, in shapes that are hostile to whatever is added to them. */
const errors = fc
  .record({
    make: fc.constantFrom<() => object>(
      () => new Error('down'),
      () => new CustomError('down'),
      () => new AggregateError([new Error('::1'), new Error('127.0.0.1')], ''),
      () => new DOMException('down', 'AbortError'),
      () => ({ plain: 'object' }),
      () => [1, 2],
      () => Object.create(null),
      () => () => 'a function',
    ),
    fields: fc.dictionary(
      fc.constantFrom('attempts', 'calls', 'state', 'cause', 'code', 'errors', 'failedCall', 'inside', 'notes', 'root'),
      fc.oneof(fc.constant(undefined), fc.integer(), fc.string(), fc.array(fc.jsonValue(), { maxLength: 2 })),
    ),
    seal: fc.constantFrom<(error: object) => object>(
      (error) => error,
      Object.freeze,
      Object.seal,
      Object.preventExtensions,
    ),
  })
  .map(({ make, fields, seal }) => {
    const error = make()
    for (const [key, value] of Object.entries(fields)) Reflect.defineProperty(error, key, { value, enumerable: true })
    return seal(error)
  })

const policies: Readonly<Record<string, () => AnyPolicy>> = {
  retry: () => retry({ maxRetries: 2, backoff: constant(10) }),
  hedge: () => hedge({ after: 5 }),
  timeout: () => timeout('10m'),
  breaker: () => circuitBreaker({ trip: consecutive(1_000) }),
  // Three nested hedges make eight calls at once: none must be refused.
  bulkhead: () => bulkhead({ limit: 8 }),
  fallback: () => fallback(0, { when: () => false }),
  declining: () => fallback((error) => Promise.reject(error)),
}

/** One to three shields, outermost first; each has up to four different policies. */
const shields = fc.array(fc.uniqueArray(fc.constantFrom(...Object.keys(policies)), { maxLength: 4 }), {
  minLength: 1,
  maxLength: 3,
})

const snapshot = (error: object): unknown => {
  const json = ((): unknown => {
    try {
      return JSON.stringify(error)
    } catch (thrown) {
      return String(thrown)
    }
  })()
  return [Reflect.ownKeys(error), Object.getOwnPropertyDescriptors(error), json, Object.isExtensible(error)]
}

test('an error of any shape leaves any shields unchanged, with its explanation and attempts', async () => {
  await fc.assert(
    fc.asyncProperty(errors, shields, async (error, names) => {
      const clock = virtualClock()
      const build = shield as unknown as (options: object, ...policies: readonly AnyPolicy[]) => Shield
      const chain = names.map((of, index) =>
        build(
          { name: `shield ${index}`, clock, random: () => 0 },
          ...of.map((name) => (policies[name] as () => AnyPolicy)()),
        ),
      )
      const before = snapshot(error)
      let runs = 0
      const operation = (): Promise<never> => {
        runs += 1
        return Promise.reject(error)
      }
      const nested = chain.reduceRight<() => Promise<unknown>>((inner, s) => () => s.run(inner), operation)
      const outcome = nested().then(
        () => 'no error',
        (thrown: unknown) => ({ thrown }),
      )
      await clock.advance('1h')
      const { thrown } = (await outcome) as { readonly thrown: unknown }
      expect(thrown === error).toBe(true)
      expect(snapshot(error)).toEqual(before)

      const attemptsPerShield = names.map((of) => (of.includes('retry') ? 3 : 1) * (of.includes('hedge') ? 2 : 1))
      expect(runs).toBe(attemptsPerShield.reduce((product, factor) => product * factor, 1))
      expect(wasCalled(error)).toBe(true)

      // The explanation names the shields from the outermost to the innermost one, with the state of each policy.
      let explanation = explain(error)
      names.forEach((of, index) => {
        expect(explanation?.shield).toBe(`shield ${index}`)
        expect(explanation?.policies.length).toBe(of.length)
        expect(explanation?.policies.every(({ state }) => state !== 'not reached')).toBe(true)
        JSON.stringify(explanation)
        explanation = explanation?.inside
      })
      expect(explanation).toBeUndefined()

      // The attempts are those of the outermost shield that made several.
      const outermost = names.find((of) => of.includes('retry') || of.includes('hedge'))
      const attempts = attemptsOf(error)
      expect(attempts.every((attempt) => attempt.error === error)).toBe(true)
      if (outermost === undefined) expect(attempts).toEqual([])
      else expect(attempts.length).toBeGreaterThan(1)
    }),
    { numRuns: RUNS },
  )
}, 60_000)

test('one object through unrelated calls is explained by the last call alone', async () => {
  await fc.assert(
    fc.asyncProperty(errors, fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }), async (error, order) => {
      const chain = [0, 1, 2, 3].map((index) => shield(`shield ${index}`, timeout('1s')))
      for (const index of order) await chain[index]?.run(() => Promise.reject(error)).then(expect.fail, () => {})
      expect(explain(error)).toMatchObject({ shield: `shield ${order.at(-1)}` })
      expect(explain(error)?.inside).toBeUndefined()
    }),
    { numRuns: RUNS },
  )
})

import { describe, expect, test } from 'vitest'
import type { AnyPolicy, Classify, RetryOptions, Shield } from '../../../index.ts'
import {
  attemptsOf,
  bulkhead,
  circuitBreaker,
  constant,
  definePolicy,
  explain,
  exponential,
  fallback,
  retry,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const custom = definePolicy({ name: 'custom', wrap: (next) => async (call, operation) => await next(call, operation) })
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * Returns what a call throws whose attempts fail with `errors`, one after the other. Wrapped in an object, because
 * `await` would read the property `then` of the error.
 */
async function thrownBy(errors: readonly unknown[]): Promise<{ readonly error: unknown }> {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, retry({ maxRetries: errors.length - 1, backoff: constant(100) }))
  const call = s
    .run(async ({ attempt }) => {
      throw errors[attempt - 1]
    })
    .then(
      () => 'no error',
      (error) => ({ error }),
    )
  await clock.advance('1h')
  return (await call) as { readonly error: unknown }
}

test.each(['backoff', 'classify'] as const)(
  'the attempts are complete if the %s throws after the second one',
  async (what) => {
    const clock = virtualClock()
    const bug = new Error('bug')
    const from = (attempt: number, answer: never): never => {
      if (attempt === 2) throw bug
      return answer
    }
    const backoff = { delayMs: (retry: number) => (what === 'backoff' ? from(retry + 1, 10 as never) : 10) }
    const classify: Classify = (_outcome, call) =>
      what === 'classify' ? from(call.attempt - 1, 'failure' as never) : 'failure'
    const s = shield({ name: 's', clock }, retry({ maxRetries: 5, backoff, classify }))
    const call = s.run(() => Promise.reject(new Error('down'))).catch((error) => error)
    await clock.advance('1h')
    const error = await call
    expect(error).toBe(bug)
    expect(attemptsOf(error).map(({ number }) => number)).toEqual([1, 2])
    expect(explain(error)?.policies).toMatchObject([{ type: 'retry', state: 'failed' }])
  },
)

describe('the thrown error', () => {
  test('is unchanged, and the attempts with their errors can be read from it', async () => {
    const errors = [new Error('first'), new TypeError('second'), new RangeError('third')]
    const { error: thrown } = await thrownBy(errors)
    expect(thrown).toBe(errors[2])
    expect(attemptsOf(thrown)).toEqual([
      { number: 1, startedAt: 0, durationMs: 0, outcome: 'failure', error: errors[0] },
      { number: 2, startedAt: 100, durationMs: 0, outcome: 'failure', error: errors[1] },
      { number: 3, startedAt: 200, durationMs: 0, outcome: 'failure', error: errors[2] },
    ])
  })

  test('does not show the attempts in its keys or in its JSON', async () => {
    const { error: thrown } = await thrownBy([new Error('first'), new Error('second')])
    expect(Object.keys(thrown as object)).toEqual([])
    expect(JSON.stringify(thrown)).toBe('{}')
  })

  test('keeps the first and the last of at most 32 attempts', async () => {
    const errors = Array.from({ length: 100 }, (_, index) => new Error(`${index + 1}`))
    const numbers = attemptsOf((await thrownBy(errors)).error).map(({ number }) => number)
    expect(numbers.length).toBe(32)
    expect(numbers[0]).toBe(1)
    expect(numbers.at(-1)).toBe(100)
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  })

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['a string', 'down'],
    ['null', null],
  ])('%s cannot have attempts and is thrown unchanged', async (_what, error) => {
    expect((await thrownBy(['first', error])).error).toBe(error)
    expect(attemptsOf(error)).toEqual([])
  })

  test.each<[string, object]>([
    ['a frozen error', Object.freeze(new Error('frozen'))],
    ['a sealed object', Object.seal({ sealed: true })],
    ['an error with its own attempts', Object.assign(new Error('x'), { attempts: 3 })],
    [
      'an error with a read-only list of attempts',
      Object.defineProperty(new Error('x'), 'attempts', { value: ['mine'] }),
    ],
  ])('%s has attempts, and is thrown without a visible change', async (_what, error) => {
    const before = JSON.stringify([Reflect.ownKeys(error), error])
    expect((await thrownBy(['first', error])).error).toBe(error)
    expect(attemptsOf(error).map((attempt) => attempt.error)).toEqual(['first', error])
    expect(JSON.stringify([Reflect.ownKeys(error), error])).toBe(before)
  })

  test('does not take a list that the user put into the property `attempts` for attempts', () => {
    expect(attemptsOf(Object.assign(new Error('x'), { attempts: [1, 2] }))).toEqual([])
  })

  test.each<[string, () => object]>([
    [
      'a revoked proxy',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return proxy
      },
    ],
    [
      'a proxy whose traps all throw',
      () =>
        new Proxy(
          {},
          {
            get: () => {
              throw new Error('trap')
            },
            isExtensible: () => {
              throw new Error('trap')
            },
            defineProperty: () => {
              throw new Error('trap')
            },
          },
        ),
    ],
  ])('%s is thrown unchanged, and attemptsOf() does not throw on it', async (_what, make) => {
    const error = make()
    const same = (await thrownBy(['first', error])).error === error
    expect(same).toBe(true)
    expect(() => attemptsOf(error)).not.toThrow()
  })

  test('has all attempts of the call that threw it last, if calls share one error', async () => {
    const shared = new Error('shared')
    expect(attemptsOf((await thrownBy([shared, shared])).error).length).toBe(2)
    expect(attemptsOf((await thrownBy([shared, shared, shared])).error).length).toBe(3)
  })
})

describe('user code that throws while a retry decides', () => {
  const bug = (): never => {
    throw new TypeError('bug')
  }
  test.each<[string, RetryOptions, (() => number) | undefined]>([
    ['a custom backoff', { backoff: { delayMs: bug } }, undefined],
    ['the random source', { backoff: exponential() }, bug],
    ['a classifier', { classify: bug }, undefined],
  ])('%s keeps the error of the operation as its cause', async (_what, options, random) => {
    const DOWN = new Error('down')
    const s = shield({ name: 's', clock: virtualClock(), ...(random && { random }) }, retry(options))
    const error = await s.run(() => Promise.reject(DOWN)).catch((reason) => reason)
    expect([error.message, error.cause]).toEqual(['bug', DOWN])
  })
})

describe('the stack of an error contains the caller', () => {
  const throwLater = async (): Promise<never> => {
    await nextTurn()
    throw new Error('thrown after an await')
  }

  test.each([
    ['alone', {}],
    ['with a signal', { signal: new AbortController().signal }],
    ['with a deadline', { deadline: '1h' as const }],
    ['with a key', { key: 'k' }],
  ])('through the five recommended policies, %s', async (_what, options) => {
    const s = shield(
      'stack',
      fallback(null, { when: () => false }),
      timeout('30s'),
      retry({ maxRetries: 1, backoff: constant(1) }),
      circuitBreaker(),
      bulkhead({ limit: 5 }),
      timeout('10s'),
    )
    async function theCallingFunction(): Promise<unknown> {
      return await s.run(throwLater, options)
    }
    const error = await theCallingFunction().then(String, (thrown: Error) => thrown.stack)
    expect(error).toContain('throwLater')
    expect(error).toContain('theCallingFunction')
  })

  test.each<[string, () => AnyPolicy[]]>([
    ['the five recommended policies', () => []],
    ['a custom policy too', () => [custom]],
    ['a wait for a permit', () => [bulkhead({ limit: 1, queue: 1, name: 'narrow' })]],
  ])('for every attempt, through %s', async (what, more) => {
    const s = shield(
      'stack',
      ...([
        fallback(null, { when: () => false }),
        timeout('30s'),
        retry({ maxRetries: 2, backoff: constant(1) }),
        circuitBreaker(),
        bulkhead({ limit: 5 }),
        timeout('10s'),
        ...more(),
      ] as never[]),
    ) as unknown as Shield
    let free = (): void => {}
    const before = what.includes('wait') ? s.run(() => new Promise<void>((resolve) => (free = resolve))) : undefined
    async function theCallingFunction(): Promise<unknown> {
      return await s.run(throwLater)
    }
    const failing = theCallingFunction().catch((thrown) => thrown)
    free()
    await before
    const stacks = attemptsOf(await failing).map(({ error }) => String((error as Error).stack))
    expect(stacks).toHaveLength(3)
    for (const stack of stacks) expect(stack).toMatch(/throwLater[\s\S]*theCallingFunction/)
  })

  test("for an error of a fallback's function", async () => {
    const s = shield('stack', timeout('1s'), fallback(throwLater))
    async function theCallingFunction(): Promise<unknown> {
      return await s.run(() => Promise.reject(new Error('down')))
    }
    const error = await theCallingFunction().then(String, (thrown: Error) => thrown.stack)
    expect(error).toContain('theCallingFunction')
  })

  test.each([
    ['retry', retry({ maxRetries: 0 })],
    ['timeout', timeout('1s')],
    ['circuitBreaker', circuitBreaker()],
    ['bulkhead', bulkhead({ limit: 1 })],
    ['fallback', fallback(null, { when: () => false })],
  ])('through %s alone', async (name, policy) => {
    const s = shield(name, policy)
    async function theCallingFunction(): Promise<unknown> {
      return await s.run(throwLater)
    }
    const error = await theCallingFunction().then(String, (thrown: Error) => thrown.stack)
    expect(error).toContain('theCallingFunction')
  })
})

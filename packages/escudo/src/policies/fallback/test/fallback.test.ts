import { describe, expect, test, vi } from 'vitest'
import { FACTS } from '../../../errors/error-facts.ts'
import { bulkhead, circuitBreaker, constant, explain, fallback, retry, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const DOWN = new Error('down')
const fail = (): Promise<never> => Promise.reject(DOWN)
const business = Object.assign(new Error('not found'), {
  [FACTS]: { code: 'ITEM_NOT_FOUND', status: 404, kind: 'business' },
})

describe('fallback', () => {
  test('returns a value in place of a failure, and passes a success through', async () => {
    const s = shield('s', fallback({ stock: null }))
    expect(await s.run(fail)).toEqual({ stock: null })
    expect(await s.run(() => ({ stock: 42 }))).toEqual({ stock: 42 })
  })

  test('returns the result of a function of the error and the call, synchronous or not', async () => {
    const now = shield(
      's',
      fallback((error, call) => ({ error, attempt: call.attempt })),
    )
    const later = shield(
      's',
      fallback(async (error) => (error as Error).message),
    )
    expect(await now.run(fail)).toEqual({ error: DOWN, attempt: 1 })
    expect(await later.run(fail)).toBe('down')
  })

  test.each([null, undefined, 0, '', false])('%s is a valid substitute', async (value) => {
    expect(await shield('s', fallback(value)).run(fail)).toBe(value)
  })

  test('covers synchronous throws, undefined, refusals, timeouts and exhausted retries', async () => {
    const clock = virtualClock()
    const full = bulkhead({ limit: 1 })
    const isolated = circuitBreaker()
    isolated.isolate()
    void shield({ name: 'full', clock }, full).run(() => new Promise(() => {}))
    const at = (...policies: Parameters<typeof shield>[1][]) =>
      shield({ name: 's', clock }, fallback('fallback'), ...(policies as never[])) as unknown as {
        run(operation: () => unknown): Promise<unknown>
      }
    expect(
      await at().run(() => {
        throw undefined
      }),
    ).toBe('fallback')
    expect(await at(full as never).run(() => 1)).toBe('fallback')
    expect(await at(isolated as never).run(() => 1)).toBe('fallback')
    const waiting = [
      at(timeout('1s') as never).run(() => new Promise(() => {})),
      at(retry({ backoff: constant(10) }) as never).run(fail),
    ]
    await clock.advance('1s')
    expect(await Promise.all(waiting)).toEqual(['fallback', 'fallback'])
  })

  test('passes business errors through, unless `when` selects them', async () => {
    await expect(shield('s', fallback(null)).run(() => Promise.reject(business))).rejects.toBe(business)
    const all = shield('s', fallback(null, { when: () => true }))
    expect(await all.run(() => Promise.reject(business))).toBeNull()
  })

  test('`when` selects the failures to replace', async () => {
    const s = shield('s', fallback('fallback', { when: (error) => error !== DOWN }))
    await expect(s.run(fail)).rejects.toBe(DOWN)
    expect(await s.run(() => Promise.reject('other'))).toBe('fallback')
  })

  test("passes the caller's abort through without calling the function", async () => {
    const clock = virtualClock()
    const make = vi.fn()
    const s = shield({ name: 's', clock }, fallback(make, { when: () => true }))
    const controller = new AbortController()
    const call = s.run(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(DOWN))),
      {
        signal: controller.signal,
      },
    )
    controller.abort('gone')
    await expect(call).rejects.toBe('gone')
    await clock.advance(0)
    expect(make).not.toHaveBeenCalled()
  })

  test('an error of the function has the original error as its cause', async () => {
    const bug = new TypeError('bug in the fallback')
    for (const make of [
      () => {
        throw bug
      },
      () => Promise.reject(bug),
    ]) {
      Object.defineProperty(bug, 'cause', { value: undefined, configurable: true, writable: true })
      const error = await shield('s', fallback(make))
        .run(fail)
        .catch((thrown) => thrown)
      expect(error).toBe(bug)
      expect(error.cause).toBe(DOWN)
    }
  })

  test('an error of the function that has the original error as its cause is thrown as it is', async () => {
    class StockUnknown extends Error {}
    for (const options of [(cause: unknown) => ({ cause }), () => ({ cause: 'another' }), () => ({})]) {
      const thrown: unknown[] = []
      const make = (error: unknown): never => {
        thrown.push(new StockUnknown('none', options(error)))
        throw thrown[0]
      }
      const error = await shield('s', fallback(make))
        .run(fail)
        .catch((reason) => reason)
      expect(error).toBe(thrown[0])
      expect(explain(error)?.policies).toEqual([
        { name: 'fallback', type: 'fallback', state: 'failed', replaced: 'Error: down' },
      ])
    }
  })

  test.each([
    ['a constant error', new Error('sold out')],
    ['a frozen constant error', Object.freeze(new Error('sold out'))],
  ])('%s of the function is itself for every call', async (_what, constant) => {
    const s = shield(
      's',
      fallback(() => Promise.reject(constant)),
    )
    for (const failure of [new Error('first'), new Error('second'), new Error('third')]) {
      const error = await s.run(() => Promise.reject(failure)).catch((reason) => reason)
      expect(error).toBe(constant)
      expect([undefined, failure]).toContain(error.cause)
    }
  })

  test('a function that rejects with a string gives a SecondaryError with both errors', async () => {
    const s = shield(
      's',
      fallback(() => Promise.reject('text')),
    )
    const error = await s.run(fail).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'SECONDARY_FAILURE', error: 'text', cause: DOWN })
  })

  test('a function that throws the original error declines this failure', async () => {
    const s = shield(
      's',
      fallback((error) => Promise.reject(error)),
    )
    const error = await s.run(fail).catch((thrown) => thrown)
    expect(error).toBe(DOWN)
    expect(error.cause).toBeUndefined()
  })

  test('an error of `when` has the original error as its cause', async () => {
    const bug = new TypeError('bug in when')
    const s = shield(
      's',
      fallback(null, {
        when: () => {
          throw bug
        },
      }),
    )
    const error = await s.run(fail).catch((thrown) => thrown)
    expect([error, error.cause]).toEqual([bug, DOWN])
  })

  test('an outer fallback replaces the failure of an inner one', async () => {
    const s = shield(
      's',
      fallback('last resort'),
      fallback(() => Promise.reject(new Error('the cache is down too'))),
    )
    expect(await s.run(fail)).toBe('last resort')
    expect(await shield('s', fallback('outer'), fallback('inner')).run(fail)).toBe('inner')
  })

  test('emits `fallback` with the failure that it replaced', async () => {
    const s = shield('s', fallback(null))
    const received: unknown[] = []
    s.on('fallback', (event) => received.push(event))
    await s.run(fail)
    await s.run(() => 1)
    expect(received).toEqual([{ shield: 's', policy: 'fallback', error: DOWN }])
  })
})

test('a promise as the substitute is awaited; outer policies receive its value and can cancel it', async () => {
  const clock = virtualClock()
  const classified: unknown[] = []
  const classify = (outcome: { value?: unknown }): 'success' => {
    classified.push(outcome.value)
    return 'success'
  }
  // biome-ignore lint/suspicious/noExplicitAny: the test uses the order that the check warns about
  const outside = retry<any>({ classify: classify as never })
  const down = (): Promise<number> => Promise.reject(new Error('down'))
  expect(await shield({ name: 's', clock }, outside, fallback(Promise.resolve(5))).run(down)).toBe(5)
  expect(classified).toEqual([5])
  const never = shield({ name: 's', clock }, timeout('1s'), fallback(new Promise<number>(() => {})))
  const failed = expect(never.run(down)).rejects.toMatchObject({ code: 'TIMEOUT' })
  await clock.advance('1s')
  await failed
})

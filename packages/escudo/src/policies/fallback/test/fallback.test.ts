import { describe, expect, test, vi } from 'vitest'
import { FACTS } from '../../../errors/error-facts.ts'
import { bulkhead, circuitBreaker, constant, fallback, retry, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const DOWN = new Error('down')
const fail = (): Promise<never> => Promise.reject(DOWN)
const business = Object.assign(new Error('not found'), {
  [FACTS]: { code: 'ITEM_NOT_FOUND', status: 404, kind: 'business' },
})

describe('fallback', () => {
  test('puts a value in place of a failure, and leaves a success alone', async () => {
    const s = shield('s', fallback({ stock: null }))
    expect(await s.run(fail)).toEqual({ stock: null })
    expect(await s.run(() => ({ stock: 42 }))).toEqual({ stock: 42 })
  })

  test('or what a function makes of the failure and the call, now or later', async () => {
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

  test.each([null, undefined, 0, '', false])('%s is a value like any other', async (value) => {
    expect(await shield('s', fallback(value)).run(fail)).toBe(value)
  })

  test('covers a synchronous throw, a throw of undefined, a refusal, a timeout and spent retries', async () => {
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

  test('business errors pass through, unless `when` says otherwise', async () => {
    await expect(shield('s', fallback(null)).run(() => Promise.reject(business))).rejects.toBe(business)
    const all = shield('s', fallback(null, { when: () => true }))
    expect(await all.run(() => Promise.reject(business))).toBeNull()
  })

  test('`when` decides which failures it stands in for', async () => {
    const s = shield('s', fallback('fallback', { when: (error) => error !== DOWN }))
    await expect(s.run(fail)).rejects.toBe(DOWN)
    expect(await s.run(() => Promise.reject('other'))).toBe('fallback')
  })

  test("the caller's own abort passes through, and the function is not asked", async () => {
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

  test('a failure of the function itself keeps the original as its cause', async () => {
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

  test('a function that fails with what can carry no cause gives a SecondaryError that has both', async () => {
    const s = shield(
      's',
      fallback(() => Promise.reject('text')),
    )
    const error = await s.run(fail).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'SECONDARY_FAILURE', error: 'text', cause: DOWN })
  })

  test('a function that throws the very error says: not this one', async () => {
    const s = shield(
      's',
      fallback((error) => Promise.reject(error)),
    )
    const error = await s.run(fail).catch((thrown) => thrown)
    expect(error).toBe(DOWN)
    expect(error.cause).toBeUndefined()
  })

  test('a `when` that throws keeps the original as its cause', async () => {
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

  test('chains: the outer one stands in for what the inner one could not', async () => {
    const s = shield(
      's',
      fallback('last resort'),
      fallback(() => Promise.reject(new Error('the cache is down too'))),
    )
    expect(await s.run(fail)).toBe('last resort')
    expect(await shield('s', fallback('outer'), fallback('inner')).run(fail)).toBe('inner')
  })

  test('is told with the failure that it stood in for', async () => {
    const s = shield('s', fallback(null))
    const heard: unknown[] = []
    s.on('fallback', (event) => heard.push(event))
    await s.run(fail)
    await s.run(() => 1)
    expect(heard).toEqual([{ shield: 's', policy: 'fallback', error: DOWN }])
  })
})

test('a promise as the value is waited for like any other: policies outside see what it holds, and may cut it', async () => {
  const clock = virtualClock()
  const seen: unknown[] = []
  const classify = (outcome: { value?: unknown }): 'success' => {
    seen.push(outcome.value)
    return 'success'
  }
  // biome-ignore lint/suspicious/noExplicitAny: what the check warns of is what is tested
  const outside = retry<any>({ classify: classify as never })
  const down = (): Promise<number> => Promise.reject(new Error('down'))
  expect(await shield({ name: 's', clock }, outside, fallback(Promise.resolve(5))).run(down)).toBe(5)
  expect(seen).toEqual([5])
  const never = shield({ name: 's', clock }, timeout('1s'), fallback(new Promise<number>(() => {})))
  const failed = expect(never.run(down)).rejects.toMatchObject({ code: 'TIMEOUT' })
  await clock.advance('1s')
  await failed
})

import { describe, expect, test } from 'vitest'
import { cache, coalesce, retry, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { setUp } from './setup.ts'

describe('a call inside a flight', () => {
  test.each(['synchronously', 'later'])(
    'for the same key, made %s, is rejected with an error that says so',
    async (when) => {
      const { clock, s } = setUp()
      const outer = s.run(
        async () => {
          if (when === 'later') await clock.advance(1)
          return await s.run(() => 'inner', { key: 'k' }).catch((error) => error.message)
        },
        { key: 'k' },
      )
      expect(await outer).toMatch(/shield 's': a call would wait for itself.*'coalesce'/)
    },
  )

  test('for another key runs, and so does one for the same key after the flight has ended', async () => {
    const { s } = setUp()
    let afterwards: Promise<unknown> = Promise.resolve()
    const outer = s.run(
      async () => {
        // Detached: it outlives the flight that starts it.
        const { promise, resolve } = Promise.withResolvers<void>()
        setImmediate(resolve)
        afterwards = promise.then(() => s.run(() => 'afterwards', { key: 'k' }))
        return await s.run(() => 'other', { key: 'other' })
      },
      { key: 'k' },
    )
    expect([await outer, await afterwards]).toEqual(['other', 'afterwards'])
  })

  test('is rejected if it closes a circle of two or three flights', async () => {
    for (const keys of [
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]) {
      const { s, status } = setUp()
      const outcomes = keys.map((key, index) =>
        s
          .run(
            async () => {
              await undefined
              return `${key}${await s.run(() => 'not called', { key: keys[(index + 1) % keys.length] as string })}`
            },
            { key },
          )
          .catch((error: Error) => error.message.slice(0, 37)),
      )
      expect(await Promise.all(outcomes)).toEqual(keys.map(() => "shield 's': a call would wait for its"))
      expect(status()).toEqual([0, 0])
    }
  })

  test('is rejected if the circle runs through two policies and another shield', async () => {
    const [first, second, between] = [
      shield('first', coalesce()),
      shield('second', coalesce()),
      shield('between', retry({ maxRetries: 0 })),
    ]
    const outcome = first
      .run(() => between.run(() => second.run(() => first.run(() => 'inner', { key: 'k' }), { key: 'k' })), {
        key: 'k',
      })
      .catch((error) => error.message)
    expect(await outcome).toContain("shield 'first': a call would wait for itself")
  })

  test('may wait for a flight that other flights wait for too', async () => {
    const { s, flights, operation } = setUp()
    const outcomes = ['a', 'b', 'c'].map((key) =>
      s.run(async () => `${key} ${await s.run(operation, { key: 'shared' })}`, { key }),
    )
    flights[0]?.resolve('value')
    expect([await Promise.all(outcomes), operation.mock.calls.length]).toEqual([['a value', 'b value', 'c value'], 1])
  })

  test('that has left its flight closes no circle', async () => {
    const { clock, s, status } = setUp()
    const controller = new AbortController()
    const [startA, endA] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const b = s.run(
      async () => {
        await startA.promise
        return `b after ${await s.run(() => 'not called', { key: 'a' })}`
      },
      { key: 'b' },
    )
    const a = s.run(
      async () => {
        // Joins b, leaves it, and continues without it.
        await s.run(() => 'not called', { key: 'b', signal: controller.signal }).catch(() => {})
        await endA.promise
        return 'a'
      },
      { key: 'a' },
    )
    expect(status()).toEqual([2, 3])
    controller.abort()
    await clock.advance(0)
    startA.resolve()
    await clock.advance(0)
    endA.resolve()
    expect([await a, await b]).toEqual(['a', 'b after a'])
  })

  test('that starts a cache refresh does not wait for it, and the refresh closes no circle', async () => {
    const clock = virtualClock()
    const flights = coalesce()
    const plain = shield({ name: 'plain', clock }, flights)
    const cached = shield({ name: 'cached', clock }, cache({ ttl: 1, staleWhileRevalidate: '1h' }), flights)
    await cached.run(() => 'old', { key: 'c' })
    await clock.advance(1)
    const inner = Promise.withResolvers<string>()
    const startOuter = Promise.withResolvers<void>()
    const outer = plain.run(
      async () => {
        // Stale: the refresh joins no flight of its key, and this flight does not wait for the refresh.
        const value = await cached.run(
          async () => {
            await startOuter.promise
            return `new ${await plain.run(() => 'not called', { key: 'outer' })}`
          },
          { key: 'c' },
        )
        return `${value} ${await inner.promise}`
      },
      { key: 'outer' },
    )
    startOuter.resolve()
    await clock.advance(0)
    inner.resolve('outer')
    expect(await outer).toBe('old outer')
    await clock.advance(0)
    expect(await cached.run(() => 'none', { key: 'c' })).toBe('new old outer')
  })
})

import { describe, expect, test } from 'vitest'
import { cache, coalesce, retry, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { setUp } from './setup.ts'

describe('a call from inside of a flight', () => {
  test.each(['synchronously', 'later'])(
    'for its own key, %s, is an error that says so instead of waiting for ever',
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

  test('for another key flies, and so does its own once the flight is over', async () => {
    const { s } = setUp()
    let afterwards: Promise<unknown> = Promise.resolve()
    const outer = s.run(
      async () => {
        // Detached: it outlives the flight that it is begun in.
        const { promise, resolve } = Promise.withResolvers<void>()
        setImmediate(resolve)
        afterwards = promise.then(() => s.run(() => 'afterwards', { key: 'k' }))
        return await s.run(() => 'other', { key: 'other' })
      },
      { key: 'k' },
    )
    expect([await outer, await afterwards]).toEqual(['other', 'afterwards'])
  })

  test('two flights, and three, that would wait for each other: the one who closes the circle is told', async () => {
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
              return `${key}${await s.run(() => 'own', { key: keys[(index + 1) % keys.length] as string })}`
            },
            { key },
          )
          .catch((error: Error) => error.message.slice(0, 37)),
      )
      expect(await Promise.all(outcomes)).toEqual(keys.map(() => "shield 's': a call would wait for its"))
      expect(status()).toEqual([0, 0])
    }
  })

  test('the circle is seen across two policies, and through other shields', async () => {
    const [one, other, between] = [
      shield('one', coalesce()),
      shield('other', coalesce()),
      shield('between', retry({ maxRetries: 0 })),
    ]
    const outcome = one
      .run(() => between.run(() => other.run(() => one.run(() => 'inner', { key: 'k' }), { key: 'k' })), { key: 'k' })
      .catch((error) => error.message)
    expect(await outcome).toContain("shield 'one': a call would wait for itself")
  })

  test('many who wait for the same flight from inside of others are no circle', async () => {
    const { s, flights, operation } = setUp()
    const asked = ['a', 'b', 'c'].map((key) =>
      s.run(async () => `${key} ${await s.run(operation, { key: 'shared' })}`, { key }),
    )
    flights[0]?.resolve('value')
    expect([await Promise.all(asked), operation.mock.calls.length]).toEqual([['a value', 'b value', 'c value'], 1])
  })

  test('who has left waits no more: no circle through him', async () => {
    const { clock, s, status } = setUp()
    const controller = new AbortController()
    const [askA, endA] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const b = s.run(
      async () => {
        await askA.promise
        return `b after ${await s.run(() => 'own', { key: 'a' })}`
      },
      { key: 'b' },
    )
    const a = s.run(
      async () => {
        // Joins b, leaves it, and goes on without it.
        await s.run(() => 'own', { key: 'b', signal: controller.signal }).catch(() => {})
        await endA.promise
        return 'a'
      },
      { key: 'a' },
    )
    expect(status()).toEqual([2, 3])
    controller.abort()
    await clock.advance(0)
    askA.resolve()
    await clock.advance(0)
    endA.resolve()
    expect([await a, await b]).toEqual(['a', 'b after a'])
  })

  test('a refresh that a cache begins inside of a flight is not waited for, and closes no circle', async () => {
    const clock = virtualClock()
    const flights = coalesce()
    const plain = shield({ name: 'plain', clock }, flights)
    const cached = shield({ name: 'cached', clock }, cache({ ttl: 1, staleWhileRevalidate: '1h' }), flights)
    await cached.run(() => 'old', { key: 'c' })
    await clock.advance(1)
    const inner = Promise.withResolvers<string>()
    const askOuter = Promise.withResolvers<void>()
    const outer = plain.run(
      async () => {
        // Stale: the refresh joins no flight of its own key, and this flight does not wait for it.
        const value = await cached.run(
          async () => {
            await askOuter.promise
            return `new ${await plain.run(() => 'own', { key: 'outer' })}`
          },
          { key: 'c' },
        )
        return `${value} ${await inner.promise}`
      },
      { key: 'outer' },
    )
    askOuter.resolve()
    await clock.advance(0)
    inner.resolve('outer')
    expect(await outer).toBe('old outer')
    await clock.advance(0)
    expect(await cached.run(() => 'none', { key: 'c' })).toBe('new old outer')
  })
})

import { describe, expect, test } from 'vitest'
import { bulkhead, coalesce, shield } from '../../../index.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'

const ITSELF = /^'db' is full: a call waits for itself/
const ms = (clock: VirtualClock, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.setTimer(resolve, delayMs))

describe('a flight whose operation calls the bulkhead that its callers hold', () => {
  const flights = (limit: number) => {
    const clock = virtualClock()
    const limiter = bulkhead({ limit, queue: 10 })
    return {
      clock,
      plain: shield({ name: 'db', clock }, limiter),
      s: shield({ name: 'db', clock }, limiter, coalesce()),
    }
  }

  test('is rejected at once if its first caller holds the last permit', async () => {
    const { s } = flights(1)
    const outer = s.run(() => s.run(() => 'not called', { key: 'b' }), { key: 'a' })
    await expect(outer).rejects.toThrow(ITSELF)
  })

  test('is rejected at once if a caller that has joined it holds the last permit', async () => {
    const { clock, s } = flights(2)
    const load = () =>
      s.run(
        async () => {
          await ms(clock, 1)
          return await s.run(() => 'not called', { key: 'b' })
        },
        { key: 'a' },
      )
    const outcomes = Promise.allSettled([load(), load()])
    await clock.advance(1)
    const [first, second] = await outcomes
    expect([first?.status, second?.status]).toEqual(['rejected', 'rejected'])
  })

  test('is rejected at once if a caller that waits for it through another flight holds it', async () => {
    const { clock, s, plain } = flights(2)
    const outer = shield({ name: 'outer', clock }, bulkhead({ limit: 9 }), coalesce())
    const shared = coalesce()
    const inner = shield({ name: 'inner', clock }, shared)
    const load = (key: string) =>
      plain.run(() =>
        outer.run(
          () =>
            inner.run(
              async () => {
                await ms(clock, 1)
                return await plain.run(() => 'not called')
              },
              { key: 'shared' },
            ),
          { key },
        ),
      )
    const outcomes = Promise.allSettled([load('a'), load('b')])
    await clock.advance(1)
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await s.run(() => 'after', { key: 'c' })).toBe('after')
  })

  test.each([0, 5])('is rejected when a caller joins later with the last permit, %i others ahead', async (ahead) => {
    const { clock, s, plain } = flights(2)
    const load = (lastsMs: number) =>
      s.run(
        async () => {
          await ms(clock, lastsMs)
          return await s.run(() => 'not called', { key: 'b' })
        },
        { key: 'a' },
      )
    const first = load(1)
    const other = plain.run(() => ms(clock, 10))
    const outcomes = Promise.allSettled([first, load(1)])
    const queued = Array.from({ length: ahead }, () => plain.run(() => 'queued'))
    // The flight's inner call waits behind the second caller. That one gets the last permit, and joins the flight.
    await clock.advance(10)
    await other
    expect(await outcomes).toEqual(
      Array(2).fill({
        status: 'rejected',
        reason: expect.objectContaining({ message: expect.stringMatching(/itself/) }),
      }),
    )
    expect(await Promise.all(queued)).toEqual(Array(ahead).fill('queued'))
    expect(plain.status().policies[0]).toMatchObject({ inUse: 0, queued: 0 })
  })

  test('waits like any other once that caller is gone', async () => {
    const { clock, s, plain } = flights(1)
    const controller = new AbortController()
    const joined = coalesce()
    const inner = shield({ name: 'inner', clock }, joined)
    const load = async () => {
      await ms(clock, 1)
      return await plain.run(() => 'inner')
    }
    const outer = plain.run(() => inner.run(load, { key: 'a', signal: controller.signal }))
    const second = inner.run(load, { key: 'a' })
    controller.abort()
    await outer.catch(() => {})
    const other = plain.run(() => ms(clock, 10))
    await clock.advance(10)
    expect([await other, await second]).toEqual([undefined, 'inner'])
    expect(await s.run(() => 'after', { key: 'c' })).toBe('after')
  })
})

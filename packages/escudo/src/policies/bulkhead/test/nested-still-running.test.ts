import { describe, expect, test } from 'vitest'
import { bulkhead, coalesce, constant, fallback, retry, shield, timeout } from '../../../index.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'

// A call can end while its work still runs and holds the last permit. What the policies outside the bulkhead do then is
// not inside that work, although it begins in its asynchronous context.

/** An operation that ignores its signal. */
const taking =
  (clock: VirtualClock, ms: number): (() => Promise<string>) =>
  () =>
    new Promise((resolve) => void clock.setTimer(() => resolve('ok'), ms))
const permits = (): ReturnType<typeof bulkhead> => bulkhead({ limit: 1, queue: 10 })

describe('after a call whose work still holds the last permit', () => {
  test.each([
    ['a retry', []],
    ['a retry outside a flight', [coalesce()]],
  ])('%s waits for the permit', async (_what, between) => {
    const clock = virtualClock()
    const around = [retry({ maxRetries: 1, backoff: constant(1) }), ...between, timeout(100)]
    const s = shield({ name: 'db', clock }, ...(around as [ReturnType<typeof retry>]), permits())
    const durations = [150, 10]
    const call = s.run(() => taking(clock, durations.shift() as number)(), { key: 'k' })
    await clock.advance(160)
    expect(await call).toBe('ok')
    expect(s.status().policies.at(-1)).toMatchObject({ inUse: 0, queued: 0 })
  })

  test('the function of a fallback may make a call that waits for the permit', async () => {
    const clock = virtualClock()
    const shared = permits()
    const other = shield({ name: 'other', clock }, shared)
    const s = shield(
      { name: 'db', clock },
      fallback(() => other.run(() => 'substitute')),
      timeout(100),
      shared,
    )
    const call = s.run(taking(clock, 150))
    await clock.advance(150)
    expect(await call).toBe('substitute')
  })

  test('a retry inside a call that holds another last permit still waits for itself', async () => {
    const clock = virtualClock()
    const outer = permits()
    const held = shield({ name: 'outer', clock }, outer)
    const s = shield(
      { name: 'db', clock },
      retry({ maxRetries: 1, backoff: constant(1) }),
      timeout(100),
      permits(),
      outer,
    )
    const call = held.run(() => s.run(() => 1).catch((error) => error.message))
    await clock.advance(200)
    expect(await call).toMatch(/waits for itself/)
  })

  test('a call that this work makes is refused', async () => {
    const clock = virtualClock()
    const s = shield({ name: 'db', clock }, timeout(100), permits())
    let inner: Promise<unknown> | undefined
    const call = s.run(async () => {
      await taking(clock, 150)()
      inner = s.run(() => 1).catch((error) => error.message)
      await inner
    })
    const outcome = call.catch((error) => error.code)
    await clock.advance(150)
    expect([await outcome, await inner]).toEqual(['TIMEOUT', expect.stringMatching(/waits for itself/)])
    expect(s.status().policies[1]).toMatchObject({ inUse: 0, queued: 0 })
  })
})

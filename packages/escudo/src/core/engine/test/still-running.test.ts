import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { AnyPolicy, Call, Shield } from '../../../index.ts'
import { bulkhead, cache, constant, definePolicy, fallback, retry, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

// "The place stays taken as long as the work goes on, also where the operation does not listen to its signal": whatever
// stands between the bulkhead and the operation.

const own = (): AnyPolicy =>
  definePolicy({ name: 'own', wrap: (next) => async (call, operation) => await next(call, operation) })

const byHand = (policy: AnyPolicy): AnyPolicy => ({ ...own(), wrap: (next, binding) => policy.wrap(next, binding) })

/** A shield whose policies no type checks: their list is the test's. */
const shielded = (clock: ReturnType<typeof virtualClock>, ...policies: AnyPolicy[]): Shield =>
  shield({ name: 's', clock }, ...(policies as never[])) as unknown as Shield

/** Lets a timeout of a second fire while a deaf operation is at work, and then lets that one end. */
async function placesTaken(inside: AnyPolicy[], places = bulkhead({ limit: 5 })): Promise<[number, number]> {
  const clock = virtualClock()
  const s = shielded(clock, timeout('1s'), places, ...inside)
  const ends: (() => void)[] = []
  const answer = s.run(() => new Promise<void>((resolve) => ends.push(resolve)), { key: 'k' })
  const failed = expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' })
  await clock.advance('1s')
  await failed
  await setImmediate()
  const inUse = (): number => places.status?.(0)['inUse'] as number
  const held = inUse()
  for (const end of ends) end()
  await setImmediate()
  return [held, inUse()]
}

describe('a place is held until the work ends, also when a timeout further out has answered the caller', () => {
  test.each<[string, () => AnyPolicy[]]>([
    ['nothing', () => []],
    ["a policy of somebody's own", () => [own()]],
    ['two of them', () => [own(), own()]],
    ['retries between them', () => [own(), retry(), own()]],
    ['a cache', () => [cache({ ttl: '1s' })]],
    ['a retry that was wrapped by hand', () => [byHand(retry())]],
    ['a fallback', () => [fallback(null)]],
  ])('around %s', async (_what, inside) => {
    expect(await placesTaken(inside())).toEqual([1, 0])
  })

  test('wrapped by hand', async () => {
    const places = bulkhead({ limit: 5 })
    const clock = virtualClock()
    const s = shielded(clock, timeout('1s'), byHand(places))
    let end = (): void => {}
    const failed = expect(s.run(() => new Promise<void>((resolve) => (end = resolve)))).rejects.toThrow()
    await clock.advance('1s')
    await failed
    expect(places.status?.(0)).toMatchObject({ inUse: 1 })
    end()
    await setImmediate()
    expect(places.status?.(0)).toMatchObject({ inUse: 0 })
  })

  test('also where the operation itself gives the call up, and goes on', async () => {
    const places = bulkhead({ limit: 1 })
    const controller = new AbortController()
    let end = (): void => {}
    const s = shielded(virtualClock(), places, own())
    const answer = s.run(
      () => {
        controller.abort('mine')
        return new Promise<void>((resolve) => {
          end = resolve
        })
      },
      { signal: controller.signal },
    )
    await expect(answer).rejects.toBe('mine')
    await setImmediate()
    expect(places.status?.(0)).toMatchObject({ inUse: 1 })
    end()
    await setImmediate()
    expect(places.status?.(0)).toMatchObject({ inUse: 0 })
  })

  test('around a policy that calls what is inside of it twice at once: until both have ended', async () => {
    const twice = definePolicy({
      name: 'twice',
      wrap: (next) => async (call, operation) => await Promise.race([next(call, operation), next(call, operation)]),
    })
    const clock = virtualClock()
    const places = bulkhead({ limit: 1 })
    const s = shielded(clock, timeout('1s'), places, twice)
    const ends: (() => void)[] = []
    const failed = expect(s.run(() => new Promise<void>((resolve) => ends.push(resolve)))).rejects.toThrow()
    await clock.advance('1s')
    await failed
    expect(ends).toHaveLength(2)
    ends[0]?.()
    await setImmediate()
    expect(places.status?.(0)).toMatchObject({ inUse: 1 })
    ends[1]?.()
    await setImmediate()
    expect(places.status?.(0)).toMatchObject({ inUse: 0 })
  })

  test('around a retry whose classifier throws when its second attempt is cut', async () => {
    const clock = virtualClock()
    const places = bulkhead({ limit: 1 })
    const classify = ({ error }: { error?: unknown }): 'failure' => {
      if ((error as { code?: string }).code === 'TIMEOUT') throw new Error('a bug')
      return 'failure'
    }
    const s = shielded(clock, timeout('1s'), places, retry({ backoff: constant(0), classify: classify as never }))
    let end = (): void => {}
    const answer = s.run(({ attempt }: Call) => {
      if (attempt === 1) throw new Error('down')
      return new Promise<void>((resolve) => (end = resolve))
    })
    const failed = expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' })
    await clock.advance('1s')
    await failed
    expect(places.status?.(0)).toMatchObject({ inUse: 1 })
    end()
    await setImmediate()
    expect(places.status?.(0)).toMatchObject({ inUse: 0 })
  })
})

test('a place is free at the timeout that stands inside of the bulkhead', async () => {
  const clock = virtualClock()
  const places = bulkhead({ limit: 1 })
  const s = shielded(clock, places, own(), timeout('1s'), own())
  const failed = expect(s.run(() => new Promise(() => {}))).rejects.toMatchObject({ code: 'TIMEOUT' })
  await clock.advance('1s')
  await failed
  expect(places.status?.(0)).toMatchObject({ inUse: 0 })
})

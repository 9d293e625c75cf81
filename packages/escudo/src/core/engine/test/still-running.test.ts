import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { AnyPolicy, Call, Shield } from '../../../index.ts'
import { bulkhead, cache, constant, definePolicy, fallback, retry, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

// A bulkhead keeps its permit as long as the operation runs, even if the operation ignores its signal. This must hold
// with any policies between the bulkhead and the operation.

const customPolicy = (): AnyPolicy =>
  definePolicy({ name: 'custom', wrap: (next) => async (call, operation) => await next(call, operation) })

const wrappedManually = (policy: AnyPolicy): AnyPolicy => ({
  ...customPolicy(),
  wrap: (next, binding) => policy.wrap(next, binding),
})

/** A shield of any list of policies, without type checks. */
const shielded = (clock: ReturnType<typeof virtualClock>, ...policies: AnyPolicy[]): Shield =>
  shield({ name: 's', clock }, ...(policies as never[])) as unknown as Shield

/** The permits in use after a timeout fired while the operation still runs, and after the operation has ended. */
async function permitsInUse(inside: AnyPolicy[], permits = bulkhead({ limit: 5 })): Promise<[number, number]> {
  const clock = virtualClock()
  const s = shielded(clock, timeout('1s'), permits, ...inside)
  const ends: (() => void)[] = []
  const answer = s.run(() => new Promise<void>((resolve) => ends.push(resolve)), { key: 'k' })
  const failed = expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' })
  await clock.advance('1s')
  await failed
  await setImmediate()
  const inUse = (): number => permits.status?.(0)['inUse'] as number
  const whileRunning = inUse()
  for (const end of ends) end()
  await setImmediate()
  return [whileRunning, inUse()]
}

describe('a bulkhead inside an expired timeout keeps its permit until the operation ends', () => {
  test.each<[string, () => AnyPolicy[]]>([
    ['the operation', () => []],
    ['a custom policy', () => [customPolicy()]],
    ['two custom policies', () => [customPolicy(), customPolicy()]],
    ['a retry between two custom policies', () => [customPolicy(), retry(), customPolicy()]],
    ['a cache', () => [cache({ ttl: '1s' })]],
    ['a retry that is wrapped manually', () => [wrappedManually(retry())]],
    ['a fallback', () => [fallback(null)]],
  ])('around %s', async (_what, inside) => {
    expect(await permitsInUse(inside())).toEqual([1, 0])
  })

  test('when the bulkhead is wrapped manually', async () => {
    const permits = bulkhead({ limit: 5 })
    const clock = virtualClock()
    const s = shielded(clock, timeout('1s'), wrappedManually(permits))
    let end = (): void => {}
    const failed = expect(s.run(() => new Promise<void>((resolve) => (end = resolve)))).rejects.toThrow()
    await clock.advance('1s')
    await failed
    expect(permits.status?.(0)).toMatchObject({ inUse: 1 })
    end()
    await setImmediate()
    expect(permits.status?.(0)).toMatchObject({ inUse: 0 })
  })

  test('when the operation aborts its own call and continues', async () => {
    const permits = bulkhead({ limit: 1 })
    const controller = new AbortController()
    let end = (): void => {}
    const s = shielded(virtualClock(), permits, customPolicy())
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
    expect(permits.status?.(0)).toMatchObject({ inUse: 1 })
    end()
    await setImmediate()
    expect(permits.status?.(0)).toMatchObject({ inUse: 0 })
  })

  test('until both runs end, around a policy that runs the operation twice at once', async () => {
    const twice = definePolicy({
      name: 'twice',
      wrap: (next) => async (call, operation) => await Promise.race([next(call, operation), next(call, operation)]),
    })
    const clock = virtualClock()
    const permits = bulkhead({ limit: 1 })
    const s = shielded(clock, timeout('1s'), permits, twice)
    const ends: (() => void)[] = []
    const failed = expect(s.run(() => new Promise<void>((resolve) => ends.push(resolve)))).rejects.toThrow()
    await clock.advance('1s')
    await failed
    expect(ends).toHaveLength(2)
    ends[0]?.()
    await setImmediate()
    expect(permits.status?.(0)).toMatchObject({ inUse: 1 })
    ends[1]?.()
    await setImmediate()
    expect(permits.status?.(0)).toMatchObject({ inUse: 0 })
  })

  test('around a retry whose classifier throws when its second attempt is cancelled', async () => {
    const clock = virtualClock()
    const permits = bulkhead({ limit: 1 })
    const classify = ({ error }: { error?: unknown }): 'failure' => {
      if ((error as { code?: string }).code === 'TIMEOUT') throw new Error('a bug')
      return 'failure'
    }
    const s = shielded(clock, timeout('1s'), permits, retry({ backoff: constant(0), classify: classify as never }))
    let end = (): void => {}
    const answer = s.run(({ attempt }: Call) => {
      if (attempt === 1) throw new Error('down')
      return new Promise<void>((resolve) => (end = resolve))
    })
    const failed = expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' })
    await clock.advance('1s')
    await failed
    expect(permits.status?.(0)).toMatchObject({ inUse: 1 })
    end()
    await setImmediate()
    expect(permits.status?.(0)).toMatchObject({ inUse: 0 })
  })
})

test('a bulkhead releases its permit when a timeout inside it expires', async () => {
  const clock = virtualClock()
  const permits = bulkhead({ limit: 1 })
  const s = shielded(clock, permits, customPolicy(), timeout('1s'), customPolicy())
  const failed = expect(s.run(() => new Promise(() => {}))).rejects.toMatchObject({ code: 'TIMEOUT' })
  await clock.advance('1s')
  await failed
  expect(permits.status?.(0)).toMatchObject({ inUse: 0 })
})

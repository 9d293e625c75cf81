import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import type { Call } from '../../../core/engine/call.ts'
import { seededRandom } from '../../../core/random.ts'
import { bulkhead, hedge, retryBudget, type Shield, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

describe('an operation that', () => {
  const boom = new Error('boom')
  const frozen = Object.freeze(new Error('frozen'))

  test.each<[string, () => unknown, unknown]>([
    [
      'throws synchronously',
      () => {
        throw boom
      },
      boom,
    ],
    [
      'throws undefined',
      () => {
        throw undefined
      },
      undefined,
    ],
    ['rejects with undefined', () => Promise.reject(undefined), undefined],
    ['rejects with a string', () => Promise.reject('text'), 'text'],
    ['rejects with a frozen error', () => Promise.reject(frozen), frozen],
    [
      'returns a thenable whose then throws',
      () => ({
        then() {
          throw boom
        },
      }),
      boom,
    ],
  ])('%s is called twice, and its error is thrown unchanged', async (_what, operation, error) => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: 10 }))
    const spy = vi.fn(operation)
    const outcome = s.run(spy).then(
      () => 'no error',
      (thrown: unknown) => ({ thrown }),
    )
    await clock.advance('1h')
    expect(await outcome).toEqual({ thrown: error })
    expect(spy).toHaveBeenCalledTimes(2)
    expect(clock.pending).toBe(0)
  })

  test('returns a thenable is awaited', async () => {
    const s = shield('s', hedge({ after: '1s' }))
    const thenable = { then: (resolve: (value: number) => void) => resolve(42) } as unknown as PromiseLike<number>
    expect(await s.run(() => thenable)).toBe(42)
  })

  test('calls its own shield is hedged in the inner call too', async () => {
    const clock = virtualClock()
    const s: Shield = shield({ name: 's', clock }, hedge({ after: 10 }))
    const inner = ({ attempt }: Call): Promise<number> | number => (attempt === 1 ? new Promise(() => {}) : 7)
    const outcome = s.run(() => s.run(inner))
    await clock.advance('1h')
    expect(await outcome).toBe(7)
    expect(clock.pending).toBe(0)
  })

  test('ends after another attempt has won is not counted, and leaves no unhandled rejection', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: { quantile: 0.5, initial: 10 }, maxHedges: 2 }))
    const late = ({ attempt }: Call): Promise<number> =>
      new Promise((resolve, reject) => {
        if (attempt === 1) clock.setTimer(() => reject(new Error('late')), 100)
        else clock.setTimer(() => resolve(attempt), attempt === 2 ? 200 : 5)
      })
    const outcome = s.run(late)
    await clock.advance('1h')
    expect(await outcome).toBe(3)
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).not.toHaveBeenCalled()
    expect(s.status().policies[0]).toMatchObject({ calls: 1, hedges: 2, wins: 1 })
    process.off('unhandledRejection', unhandled)
  })
})

test('a listener that throws does not affect the call', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, hedge({ after: 10 }))
  s.on('hedge', () => {
    throw new Error('listener')
  })
  const outcome = s.run(({ attempt }) => (attempt === 1 ? new Promise(() => {}) : 2))
  await clock.advance(10)
  expect(await outcome).toBe(2)
  expect(warned).toHaveBeenCalledTimes(1)
  warned.mockRestore()
})

test('keeps no timer, listener or permit after 10⁵ calls on one signal', async () => {
  const random = seededRandom(3)
  const clock = virtualClock()
  const budget = retryBudget()
  const s = shield(
    { name: 's', clock },
    hedge({ after: { quantile: 0.9, initial: 20 }, maxHedges: 2, budget }),
    bulkhead({ limit: 3_000 }),
  )
  const shared = new AbortController()
  const operation = ({ signal }: Call): Promise<number> =>
    new Promise((resolve, reject) => {
      const cancel = clock.setTimer(() => (random() < 0.1 ? reject(new Error('down')) : resolve(1)), random() * 40)
      signal.addEventListener('abort', () => {
        cancel()
        reject(signal.reason)
      })
    })
  let settled = 0
  for (let round = 0; round < 1_000; round += 1) {
    const controller = round % 10 === 0 ? new AbortController() : shared
    for (let call = 0; call < 100; call += 1) {
      void s
        .run(operation, call % 3 === 0 ? { signal: controller.signal, deadline: 60 } : { signal: controller.signal })
        .then(
          () => (settled += 1),
          () => (settled += 1),
        )
    }
    await clock.advance(15)
    if (controller !== shared) controller.abort()
    await clock.advance(300)
    expect(clock.pending).toBe(0)
  }
  expect(settled).toBe(100_000)
  expect(getEventListeners(shared.signal, 'abort')).toEqual([])
  expect(s.status().policies[1]).toMatchObject({ inUse: 0, queued: 0 })
  expect(s.status().policies[0]).toMatchObject({ calls: 100_000 })
}, 120_000)

import { getEventListeners } from 'node:events'
import { type AnyPolicy, type Operation, type Shield, shield, timeout } from 'escudo'
import { type VirtualClock, virtualClock } from 'escudo/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CountingClock } from '../conservation/counting-clock.ts'
import type { Entry } from '../oracle/entry.ts'
import { play } from '../oracle/play.ts'
import { ENTRIES } from '../oracle/policies.ts'
import { SCENARIOS } from '../oracle/scenarios.ts'

// Hostile operations and edge cases, for each policy alone. The expectations are the same for all policies: a new policy
// only needs its entry in the table.

const each = ENTRIES.map((entry) => [entry.type, entry] as const)
const build = shield as unknown as (options: object, ...policies: readonly AnyPolicy[]) => Shield
const boom = new Error('boom')

const unhandled: unknown[] = []
const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
beforeEach(() => void process.on('unhandledRejection', onUnhandled))
afterEach(() => {
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled.splice(0)).toEqual([])
})

interface SetUp {
  readonly clock: VirtualClock
  readonly s: Shield
  /** Expects that no permit, timer or queued call is left. */
  readonly expectNothingLeft: () => void
}

function setUp({ make }: Entry, around: (policy: AnyPolicy) => readonly AnyPolicy[] = (policy) => [policy]): SetUp {
  const clock = virtualClock()
  const shieldClock = new CountingClock(clock)
  const s = build({ name: 's', clock: shieldClock, random: () => 0.9 }, ...around(make()))
  const expectNothingLeft = (): void => {
    expect(shieldClock.pending).toBe(0)
    for (const status of s.status().policies as readonly Record<string, unknown>[]) {
      for (const counter of ['inUse', 'inFlight', 'queued', 'flights', 'waiting']) {
        expect([status['name'], counter, status[counter] ?? 0]).toEqual([status['name'], counter, 0])
      }
    }
  }
  return { clock, s, expectNothingLeft }
}

/** A status without the counters that an operation may still change after its call has been cancelled. */
function withoutLate(status: Readonly<Record<string, unknown>>): object {
  const late = ['inUse', 'inFlight', 'misses', 'exhausted']
  return Object.fromEntries(Object.entries(status).filter(([counter]) => !late.includes(counter)))
}

const hostileOperations: readonly (readonly [string, () => unknown, unknown])[] = [
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
  ['rejects with null', () => Promise.reject(null), null],
  [
    'throws a frozen object',
    () => {
      throw FROZEN
    },
    Object.freeze(boom),
  ],
  [
    'returns a thenable whose then throws',
    () => ({
      then() {
        throw boom
      },
    }),
    boom,
  ],
  [
    'returns a thenable that rejects and then resolves',
    () => ({
      then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
        reject(boom)
        resolve('too late')
      },
    }),
    boom,
  ],
]
const FROZEN = Object.freeze(boom)

describe.each(each)('%s', (type, entry) => {
  test.each(hostileOperations)('throws the error of an operation that %s', async (_what, operation, error) => {
    const { clock, s, expectNothingLeft } = setUp(entry)
    const call = s.run(operation, { key: 'k' }).then(
      (value) => ({ value }),
      (thrown) => ({ error: thrown }),
    )
    await clock.advance('1m')
    expect(await call).toEqual(type === 'fallback' ? { value: 'fallback' } : { error })
    expectNothingLeft()
  })

  test('a thenable that resolves twice and then rejects gives one value', async () => {
    const { clock, s, expectNothingLeft } = setUp(entry)
    const operation = (): PromiseLike<string> =>
      ({
        then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
          resolve({ then: (again: (value: string) => void) => again('value') })
          resolve('another')
          reject(boom)
        },
      }) as unknown as PromiseLike<string>
    const call = s.run(operation, { key: 'k' })
    await clock.advance('1m')
    expect(await call).toBe('value')
    expectNothingLeft()
  })

  test.each(['resolves', 'rejects'] as const)(
    'an operation that %s after a timeout on either side is not counted again',
    async (how) => {
      const orders = [
        (policy: AnyPolicy) => [timeout('10s', { name: 'outer' }), policy],
        (policy: AnyPolicy) => [policy, timeout('500ms', { name: 'inner' })],
      ]
      for (const around of orders) {
        const { clock, s, expectNothingLeft } = setUp(entry, around)
        const ends: (() => void)[] = []
        const operation: Operation<unknown> = () =>
          new Promise((resolve, reject) => {
            ends.push(how === 'resolves' ? () => resolve('late') : () => reject(boom))
          })
        const call = s.run(operation, { key: 'k' }).catch((error) => error.code)
        await clock.advance('1m')
        expect(['TIMEOUT', 'fallback']).toContain(await call)
        const counted = (): string => JSON.stringify(s.status().policies.map(withoutLate))
        const before = counted()
        for (const end of ends) end()
        await clock.advance(1)
        expect(counted()).toBe(before)
        expectNothingLeft()
      }
    },
  )

  test('calls inside its operation run, and every permit is released', async () => {
    const { clock, s, expectNothingLeft } = setUp(entry)
    const deeper = async (left: number): Promise<number> =>
      left === 0 ? 0 : 1 + ((await s.run(() => deeper(left - 1), { key: `${left}` })) as number)
    const call = deeper(7)
    await clock.advance('1m')
    expect(await call).toBe(7)
    expectNothingLeft()
  })

  test('an abort and a success in one tick have one outcome, in either order', async () => {
    for (const first of ['abort', 'success'] as const) {
      for (let microtasks = 0; microtasks < 20; microtasks += 1) {
        const { clock, s, expectNothingLeft } = setUp(entry)
        const controller = new AbortController()
        const outcomes: unknown[] = []
        const { promise, resolve } = Promise.withResolvers<string>()
        const settle = (outcome: unknown): void => void outcomes.push(outcome)
        s.run(() => promise, { signal: controller.signal, key: 'k' }).then(settle, settle)
        const steps = [() => controller.abort('gone'), () => resolve('value')]
        if (first === 'success') steps.reverse()
        steps[0]?.()
        for (let n = 0; n < microtasks; n += 1) await undefined
        steps[1]?.()
        await clock.advance(0)
        expect(outcomes.length).toBe(1)
        if (first === 'abort') expect(outcomes[0]).toBe('gone')
        else expect(['value', 'gone']).toContain(outcomes[0])
        await clock.advance('1m')
        expect(getEventListeners(controller.signal, 'abort')).toEqual([])
        expectNothingLeft()
      }
    }
  })

  test('10⁵ calls on one signal leave no listener, timer or permit behind', async () => {
    const onWarning = vi.fn()
    process.on('warning', onWarning)
    const { clock, s, expectNothingLeft } = setUp(entry)
    const { signal } = new AbortController()
    const count = (error: { readonly code?: string }): void => {
      // The rate limiter allows a thousand calls and refuses the others, which must not leave anything either.
      if (error.code !== 'RATE_LIMITED') throw error
    }
    for (let batch = 0; batch < 20_000; batch += 1) {
      const calls = Array.from({ length: 5 }, (_, n) =>
        s.run(async () => n, { signal, key: `${batch} ${n}` }).catch(count),
      )
      await Promise.all(calls)
    }
    await clock.advance(0)
    process.off('warning', onWarning)
    expect(onWarning).not.toHaveBeenCalled()
    expect(getEventListeners(signal, 'abort')).toEqual([])
    expectNothingLeft()
  })

  test('the key `__proto__` works like any other key', async () => {
    const { clock, s, expectNothingLeft } = setUp(entry)
    const calls = ['__proto__', 'constructor', ''].map((key) => s.run(async () => `of ${key}`, { key }))
    await clock.advance('1m')
    expect(await Promise.all(calls)).toEqual(['of __proto__', 'of constructor', 'of '])
    expect(({} as Record<string, unknown>)['value']).toBeUndefined()
    expectNothingLeft()
  })

  test('a wall clock that jumps an hour at every reading changes nothing', async () => {
    const real = Date.now()
    let reading = 0
    const wall = vi.spyOn(Date, 'now').mockImplementation(() => {
      reading += 1
      return real + (reading % 2 === 0 ? 3_600_000 : -3_600_000)
    })
    try {
      for (const scenario of SCENARIOS) await play([entry], scenario)
    } finally {
      wall.mockRestore()
    }
  })
})

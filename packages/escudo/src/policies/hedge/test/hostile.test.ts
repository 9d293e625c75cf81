import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import type { Call } from '../../../core/engine/call.ts'
import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { seededRandom } from '../../../core/random.ts'
import {
  bulkhead,
  constant,
  definePolicy,
  fallback,
  type HedgeOptions,
  hedge,
  retry,
  retryBudget,
  type Shield,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { HedgedCall } from '../hedged-call.ts'

// What callers, operations, listeners and options may do when they are broken or mean it.

describe('options', () => {
  test.each<[string, unknown]>([
    ['hedge.after', {}],
    ['hedge.after', { after: null }],
    ['hedge.after', { after: Number.NaN }],
    ['hedge.after', { after: -1 }],
    ['hedge.after', { after: Number.POSITIVE_INFINITY }],
    ['hedge.after', { after: 'soon' }],
    ['hedge.after.quantile', { after: { initial: 1 } }],
    ['hedge.after.quantile', { after: { quantile: 0, initial: 1 } }],
    ['hedge.after.quantile', { after: { quantile: 1, initial: 1 } }],
    ['hedge.after.quantile', { after: { quantile: 95, initial: 1 } }],
    ['hedge.after.quantile', { after: { quantile: Number.NaN, initial: 1 } }],
    ['hedge.after.initial', { after: { quantile: 0.95 } }],
    ['hedge.after.initial', { after: { quantile: 0.95, initial: -1 } }],
    ['hedge.after.window', { after: { quantile: 0.95, initial: 1, window: 999 } }],
    ['hedge.after.windows', { after: { quantile: 0.95, initial: 1, windows: '1m' } }],
    ['hedge.maxHedges', { after: 1, maxHedges: 0 }],
    ['hedge.maxHedges', { after: 1, maxHedges: 1.5 }],
    ['hedge.maxHedges', { after: 1, maxHedges: Number.POSITIVE_INFINITY }],
    ['hedge.maxHedges', { after: 1, maxHedges: Number.NaN }],
    ['hedge.budget', { after: 1, budget: 10 }],
    ['hedge.budget', { after: 1, budget: null }],
    ['hedge.unsafe', { after: 1, unsafe: 'yes' }],
    ['hedge.name', { after: 1, name: '' }],
    ['hedge.delay', { after: 1, delay: 1 }],
    ['hedge', null],
  ])('%s: %j is refused', (path, options) => {
    expect(() => hedge(options as HedgeOptions)).toThrow(ConfigurationError)
    expect(() => hedge(options as HedgeOptions)).toThrow(new RegExp(`^${path}: `))
  })

  test('a budget belongs to one clock, as a policy does', () => {
    const budget = retryBudget()
    const clock = virtualClock()
    shield({ name: 'a', clock }, hedge({ after: 1, budget }))
    shield({ name: 'b', clock }, hedge({ after: 1, budget }))
    expect(() => shield('c', hedge({ after: 1, budget }))).toThrow('hedge.budget: this budget is used by a shield with')
  })

  test('what is doubtful inside of a hedge is warned of', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    shield('doubtful', hedge({ after: '1s' }), fallback(null), timeout('1s', { name: 'attempt' }))
    shield('fine', fallback(null), hedge({ after: '1s' }), timeout('2s'))
    shield('live', hedge({ after: { quantile: 0.9, initial: '1s' } }), timeout('1s'))
    const texts = warned.mock.calls.map(([text]) => String(text))
    expect(texts).toHaveLength(2)
    expect(texts[0]).toContain("hedge: shield 'doubtful': the fallback 'fallback' stands inside of the hedge")
    expect(texts[1]).toContain("hedge.after: shield 'doubtful': the timeout 'attempt' of 1000 ms")
    warned.mockRestore()
  })
})

function slow() {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, hedge({ after: 10, maxHedges: 2 }), bulkhead({ limit: 5 }))
  const cutAt: number[] = []
  const operation = vi.fn(
    ({ signal }: Call) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => {
          cutAt.push(clock.now())
          reject(signal.reason)
        })
      }),
  )
  return { clock, s, cutAt, operation }
}

describe("the caller's abort", () => {
  const reason = new Error('gone home')

  test('before: the operation is never called', async () => {
    const { clock, s, operation } = slow()
    await expect(s.run(operation, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(operation).not.toHaveBeenCalled()
    expect(clock.pending).toBe(0)
  })

  test.each([
    ['during the wait for the first hedge', 5, 1],
    ['while two are under way', 15, 2],
    ['while all are', 25, 3],
  ])('%s: cuts all at once, settles with its own reason, and starts nothing more', async (_when, at, begun) => {
    const { clock, s, cutAt, operation } = slow()
    const abort = new AbortController()
    const outcome = s.run(operation, { signal: abort.signal }).catch((error: unknown) => error)
    await clock.advance(at)
    expect(operation).toHaveBeenCalledTimes(begun)
    abort.abort(reason)
    expect(cutAt).toEqual(Array(begun).fill(at))
    expect(await outcome).toBe(reason)
    expect(clock.pending).toBe(0)
    await clock.advance('1h')
    expect(operation).toHaveBeenCalledTimes(begun)
    expect(s.status().policies[0]).toMatchObject({ wins: 0 })
    expect(s.status().policies[1]).toMatchObject({ inUse: 0 })
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  })

  test('settles at once where the operations are deaf', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: 10 }))
    const abort = new AbortController()
    const outcome = s.run(() => new Promise(() => {}), { signal: abort.signal }).catch((error: unknown) => error)
    await clock.advance(20)
    abort.abort(reason)
    expect(await outcome).toBe(reason)
    expect(clock.pending).toBe(0)
  })

  test('by a listener that hears of the hedge: it does not begin', async () => {
    const { clock, s, operation } = slow()
    const abort = new AbortController()
    s.on('hedge', () => abort.abort(reason))
    const outcome = s.run(operation, { signal: abort.signal }).catch((error: unknown) => error)
    await clock.advance(10)
    expect(await outcome).toBe(reason)
    expect(operation).toHaveBeenCalledTimes(1)
  })

  test('after: changes nothing', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: 10 }))
    const abort = new AbortController()
    expect(await s.run(() => 1, { signal: abort.signal })).toBe(1)
    abort.abort(reason)
    await clock.advance('1h')
    expect(s.status().policies[0]).toMatchObject({ calls: 1, hedges: 0 })
  })

  test('in one tick with the answer: one outcome, and everything is given back', async () => {
    const { clock, s } = slow()
    const abort = new AbortController()
    let answer = (_value: number): void => {}
    const outcome = s.run(() => new Promise<number>((resolve) => (answer = resolve)), { signal: abort.signal })
    answer(1)
    abort.abort(reason)
    await expect(outcome).rejects.toBe(reason)
    await clock.advance('1h')
    expect(s.status().policies[1]).toMatchObject({ inUse: 0 })
    expect(clock.pending).toBe(0)
  })
})

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
  ])('%s is called twice, and that is thrown as it is', async (_what, operation, error) => {
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

  test('calls its own shield from within is hedged there as well', async () => {
    const clock = virtualClock()
    const s: Shield = shield({ name: 's', clock }, hedge({ after: 10 }))
    const inner = ({ attempt }: Call): Promise<number> | number => (attempt === 1 ? new Promise(() => {}) : 7)
    const outcome = s.run(() => s.run(inner))
    await clock.advance('1h')
    expect(await outcome).toBe(7)
    expect(clock.pending).toBe(0)
  })

  test('answers, or fails, after another has won: nothing is counted twice, and no rejection goes unhandled', async () => {
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

test('a listener that throws reaches no call', async () => {
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

/** A clock whose timers all fire in one go, however late: as after an event loop that was blocked. */
function coarseClock() {
  let [now, timers]: [number, (() => void)[]] = [0, []]
  return {
    now: () => now,
    setTimer(fire: () => void) {
      timers.push(fire)
      return () => {
        timers = timers.filter((one) => one !== fire)
      }
    },
    block(ms: number) {
      now += ms
    },
    async fireAll() {
      for (const fire of timers.splice(0)) fire()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

test('a failure in the moment in which the timer fires sends one hedge, not two', async () => {
  const clock = coarseClock()
  const s = shield({ name: 's', clock }, hedge({ after: 10, maxHedges: 5 }))
  const operation = vi.fn(
    ({ attempt }: Call) =>
      new Promise<number>((resolve, reject) =>
        clock.setTimer(() => (attempt === 1 ? reject(new Error('down')) : resolve(attempt))),
      ),
  )
  const outcome = s.run(operation)
  await clock.fireAll()
  expect(operation).toHaveBeenCalledTimes(2)
  await clock.fireAll()
  expect(await outcome).toBe(2)
})

test('a hedge is not started after the deadline, also where the event loop was blocked until then', async () => {
  const clock = coarseClock()
  const s = shield({ name: 's', clock }, hedge({ after: 10, maxHedges: 5 }))
  const down = new Error('down')
  const operation = vi.fn(() => {
    clock.block(1_000)
    return Promise.reject(down)
  })
  await expect(s.run(operation, { deadline: 500 })).rejects.toBe(down)
  expect(operation).toHaveBeenCalledTimes(1)
})

test('a call that a policy further out sees cut before the hedge begins is never made', async () => {
  const abort = new AbortController()
  const late = definePolicy({
    name: 'late',
    wrap: (next) => (call, operation) => {
      abort.abort(new Error('gone'))
      return next(call, operation)
    },
  })
  const operation = vi.fn(() => 1)
  const s = shield('s', late, hedge({ after: 10 }))
  await expect(s.run(operation, { signal: abort.signal })).rejects.toThrow('gone')
  expect(operation).not.toHaveBeenCalled()
  expect(s.status().policies[1]).toMatchObject({ calls: 1, hedges: 0 })
})

test('a hedged call that is over leaves the scope of a call that goes on', async () => {
  const heard = vi.spyOn(HedgedCall.prototype, 'onCancel')
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, retry({ backoff: constant('1h') }), hedge({ after: 10 }))
  const abort = new AbortController()
  const outcome = s.run(() => Promise.reject(new Error('down')), { signal: abort.signal }).catch((error) => error)
  await clock.advance(10)
  abort.abort('gone')
  expect(await outcome).toBe('gone')
  expect(heard).not.toHaveBeenCalled()
  heard.mockRestore()
})

test('10⁵ calls, hedged or not, given up or not, on one signal, leave no timer, listener or permit behind', async () => {
  const random = seededRandom(3)
  const clock = virtualClock()
  const budget = retryBudget()
  const s = shield(
    { name: 's', clock },
    hedge({ after: { quantile: 0.9, initial: 20 }, maxHedges: 2, budget }),
    bulkhead({ limit: 3_000 }),
  )
  const abort = new AbortController()
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
    const own = round % 10 === 0 ? new AbortController() : abort
    for (let call = 0; call < 100; call += 1) {
      void s.run(operation, call % 3 === 0 ? { signal: own.signal, deadline: 60 } : { signal: own.signal }).then(
        () => (settled += 1),
        () => (settled += 1),
      )
    }
    await clock.advance(15)
    if (own !== abort) own.abort()
    await clock.advance(300)
    expect(clock.pending).toBe(0)
  }
  expect(settled).toBe(100_000)
  expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  expect(s.status().policies[1]).toMatchObject({ inUse: 0, queued: 0 })
  expect(s.status().policies[0]).toMatchObject({ calls: 100_000 })
}, 120_000)

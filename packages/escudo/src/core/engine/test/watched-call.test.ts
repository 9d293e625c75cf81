import { afterEach, describe, expect, test, vi } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { bulkhead } from '../../../policies/bulkhead/bulkhead.ts'
import { cache } from '../../../policies/cache/cache.ts'
import { circuitBreaker } from '../../../policies/circuit-breaker/circuit-breaker.ts'
import { coalesce } from '../../../policies/coalesce/coalesce.ts'
import { fallback } from '../../../policies/fallback/fallback.ts'
import { rateLimiter } from '../../../policies/rate-limiter/rate-limiter.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { constant } from '../../../policies/retry/state/backoff.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { withContext } from '../../context/with-context.ts'
import { CALL_OUTCOMES } from '../../events/call-events.ts'
import { definePolicy } from '../../policy.ts'
import { shield } from '../../shield.ts'
import { watchCalls } from '../watched-call.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
  vi.restoreAllMocks()
})

/** Collects how calls ended: `shield outcome durationMs`. */
function watched(): string[] {
  const calls: string[] = []
  ends.push(watchCalls({ ended: (name, outcome, durationMs) => void calls.push(`${name} ${outcome} ${durationMs}`) }))
  return calls
}

const down = (): Promise<number> => Promise.reject(new Error('down'))
const never = (): Promise<number> => new Promise(() => {})
const Errors = defineErrors({ NOT_FOUND: { status: 404, message: 'Not found.' } })

describe('the outcome of a call', () => {
  test('is success, failure, ignored, rejected, degraded or cancelled', async () => {
    const calls = watched()
    const clock = virtualClock()
    const options = { name: 's', clock }
    const breaker = circuitBreaker()
    await shield(options).run(() => 1)
    await shield(options)
      .run(down)
      .catch(() => {})
    await shield(options)
      .run(() => Promise.reject(new Errors.NOT_FOUND()))
      .catch(() => {})
    breaker.isolate()
    await shield(options, breaker)
      .run(() => 1)
      .catch(() => {})
    await shield(options, fallback(0)).run(down)
    await shield(options)
      .run(never, { signal: AbortSignal.abort() })
      .catch(() => {})
    expect(calls.map((call) => call.split(' ')[1])).toEqual([
      'success',
      'failure',
      'ignored',
      'rejected',
      'degraded',
      'cancelled',
    ])
    expect(CALL_OUTCOMES).toEqual(expect.arrayContaining(calls.map((call) => call.split(' ')[1])))
  })

  test('is cancelled for the caller of a call that runs, whatever the operation throws then', async () => {
    const calls = watched()
    const clock = virtualClock()
    const aborts = new AbortController()
    const call = shield({ name: 's', clock }, retry()).run(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('other')))),
      { signal: aborts.signal },
    )
    await clock.advance(7)
    aborts.abort()
    await expect(call).rejects.toThrow()
    expect(calls).toEqual(['s cancelled 7'])
  })

  test('is failure after a timeout or its own deadline, cancelled after the deadline of the request', async () => {
    const calls = watched()
    const clock = virtualClock()
    const all = [
      shield({ name: 'timeout', clock }, timeout(5)).run(never),
      shield({ name: 'deadline', clock }).run(never, { deadline: 6 }),
      withContext({}, () => shield({ name: 'request', clock }).run(never), { deadline: 30_000 }),
    ]
    for (const call of all) call.catch(() => {})
    await clock.advance(30_000)
    expect(calls.map((call) => call.split(' ').slice(0, 2).join(' '))).toEqual([
      'timeout failure',
      'deadline failure',
      'request cancelled',
    ])
  })

  test('is cancelled if it was too late to begin', async () => {
    const calls = watched()
    const ended = new AbortController()
    ended.abort(new DOMException('late', 'TimeoutError'))
    await shield('s')
      .run(never, { deadline: -1 })
      .catch(() => {})
    await shield('s')
      .run(never, { signal: ended.signal })
      .catch(() => {})
    expect(calls).toEqual(['s cancelled 0', 's cancelled 0'])
  })

  test('is failure if the fallback throws, and if the program is wrong', async () => {
    const calls = watched()
    const broken = shield(
      's',
      fallback(() => {
        throw new Error('also down')
      }),
    )
    await broken.run(down).catch(() => {})
    const unkeyed = shield('s', coalesce()) as unknown as { run(operation: () => number): Promise<number> }
    await unkeyed.run(() => 1).catch(() => {})
    expect(calls.map((call) => call.split(' ')[1])).toEqual(['failure', 'failure'])
  })

  test('is degraded also inside a flight of many callers, a custom policy and a copy with another key', async () => {
    const calls = watched()
    const other = definePolicy({
      name: 'other',
      wrap: (next) => (call, operation) => next({ ...call, key: 'b' }, operation),
    })
    const flight = shield('flight', coalesce(), fallback(0))
    await Promise.all([flight.run(down, { key: 'a' }), flight.run(down, { key: 'a' })])
    await shield('custom', other, fallback(0)).run(down)
    expect(calls.map((call) => call.split(' ').slice(0, 2).join(' '))).toEqual([
      'flight degraded',
      'flight degraded',
      'custom degraded',
    ])
  })

  test('is degraded for a stale value in place of a failure, success for one that is only refreshed', async () => {
    const calls = watched()
    const clock = virtualClock()
    const prices = shield(
      { name: 's', clock },
      cache<number>({ ttl: 10, staleWhileRevalidate: 10, staleIfError: '1m' }),
    )
    await prices.run(() => 1, { key: 'a' })
    await clock.advance(15)
    await prices.run(() => 2, { key: 'a' })
    await clock.advance(1_000)
    await prices.run(down, { key: 'a' })
    expect(calls).toEqual(['s success 0', 's success 0', 's degraded 0'])
  })
})

describe('the duration of a call', () => {
  test('includes attempts and waits, on the clock of the shield', async () => {
    const calls = watched()
    const clock = virtualClock()
    const guarded = shield({ name: 's', clock }, retry({ maxRetries: 1, backoff: constant(100) }), timeout(50))
    const outcome = guarded.run(never).catch(() => {})
    await clock.advance(1_000)
    await outcome
    expect(calls).toEqual(['s failure 200'])
  })

  test('of a clock that throws is not a number, and the outcome is the same', async () => {
    const calls = watched()
    let broken = false
    const clock = {
      now: () => {
        if (broken) throw new Error('no time')
        return 0
      },
      setTimer: () => () => {},
    }
    const guarded = shield({ name: 's', clock })
    broken = true
    expect(await guarded.run(() => 42)).toBe(42)
    expect(calls).toEqual(['s success NaN'])
  })

  test('reads no clock if no call is watched', async () => {
    const clock = { now: vi.fn(() => 0), setTimer: () => () => {} }
    const guarded = shield({ name: 's', clock }, fallback(0))
    clock.now.mockClear()
    expect(await guarded.run(() => 42)).toBe(42)
    expect(clock.now).not.toHaveBeenCalled()
  })
})

describe('watchers of calls', () => {
  test('that throw are reported once, and neither the call nor other watchers notice', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const ended = (): void => {
      throw new Error('broken watcher')
    }
    ends.push(watchCalls({ ended }))
    const calls = watched()
    for (let call = 0; call < 3; call += 1) expect(await shield('s').run(() => call)).toBe(call)
    expect(calls).toHaveLength(3)
    expect(warn).toHaveBeenCalledOnce()
  })

  test('receive the waits of calls that got a permit, of no others', async () => {
    const waits: string[] = []
    ends.push(watchCalls({ waited: (...wait) => void waits.push(wait.join(' ')) }))
    const clock = virtualClock()
    const queued = shield({ name: 'queued', clock }, bulkhead({ limit: 1, queue: 2, maxWait: 50 }))
    const limited = shield({ name: 'limited', clock }, rateLimiter({ limit: 1, per: 40, maxWait: 50 }))
    const { promise, resolve: release } = withResolvers()
    const calls = [
      queued.run(() => promise),
      queued.run(never),
      queued.run(() => 3),
      limited.run(() => 1),
      limited.run(() => 2),
      limited.run(() => 3),
    ]
    for (const call of calls) call.catch(() => {})
    await clock.advance(30)
    release()
    await clock.advance(100)
    expect(waits).toEqual(['queued bulkhead bulkhead 30', 'limited rateLimiter rateLimiter 40'])
  })
})

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

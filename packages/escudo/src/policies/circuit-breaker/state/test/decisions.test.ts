import { describe, expect, test } from 'vitest'
import type { Verdict } from '../../../../core/outcome.ts'
import { Breaker } from '../breaker.ts'
import type { Permit } from '../permit.ts'
import type { HalfOpenSettings, OpenPeriodSettings, Transition } from '../settings.ts'
import { consecutive } from '../trips/trip.ts'

interface Options {
  readonly open?: Omit<OpenPeriodSettings, 'retryAfterMaxMs'>
  readonly halfOpen?: HalfOpenSettings
  readonly onTransition?: (transition: Transition) => void
}

function breakerWith({ open, halfOpen, onTransition }: Options = {}): Breaker {
  return new Breaker({
    trip: consecutive(1),
    openPeriod: { retryAfterMaxMs: 0, ...(open ?? { baseMs: 100, factor: 1, maxMs: 100 }) },
    halfOpen: halfOpen ?? { probes: 1, closeAt: 1, leaseMs: 1_000 },
    mode: 'enforce',
    ramp: undefined,
    onTransition: onTransition ?? (() => {}),
  })
}

/** Makes a call with the given verdict; false if it is rejected or too late. */
function call(breaker: Breaker, verdict: Verdict, now: number): boolean {
  const permit = breaker.tryAcquire(now, Math.random)
  return permit !== undefined && breaker.settle(permit, verdict, now)
}

describe('a half-open circuit decides as soon as the result is certain', () => {
  test.each([
    // probes, closeAt, successes that close, failures that open
    [1, 1, 1, 1],
    [5, 1, 5, 1],
    [5, 0.6, 3, 3],
    [4, 0.5, 2, 3],
    [10, 0.01, 1, 10],
    [3, 1 / 3, 1, 3],
    [3, 0.5, 2, 2],
  ])(
    '%i probes, closing at %f of them: %i successes close, %i failures open',
    (probes, closeAt, successes, failures) => {
      const outcomes: [Verdict, number, string][] = [
        ['success', successes, 'closed'],
        ['failure', failures, 'open'],
      ]
      for (const [verdict, needed, decided] of outcomes) {
        const breaker = breakerWith({ halfOpen: { probes, closeAt, leaseMs: 1_000 } })
        call(breaker, 'failure', 0)
        const permits = Array.from({ length: probes }, () => breaker.tryAcquire(100, Math.random) as Permit)
        permits.slice(0, needed - 1).forEach((permit) => {
          breaker.settle(permit, verdict, 110)
          expect(breaker.state).toBe('half-open')
        })
        breaker.settle(permits[needed - 1] as Permit, verdict, 110)
        expect(breaker.state).toBe(decided)
        // The other probes are of an earlier generation now.
        for (const permit of permits.slice(needed)) expect(breaker.settle(permit, 'failure', 111)).toBe(false)
        expect(breaker.state).toBe(decided)
      }
    },
  )

  test('closes with exactly ceil(probes · closeAt) successes, without binary rounding errors', () => {
    for (let probes = 1; probes <= 100; probes += 1) {
      for (let percent = 1; percent <= 100; percent += 1) {
        const breaker = breakerWith({ halfOpen: { probes, closeAt: percent / 100, leaseMs: 1_000 } })
        call(breaker, 'failure', 0)
        let successes = 0
        for (; breaker.state !== 'closed' && successes < probes; successes += 1) call(breaker, 'success', 100)
        // In whole numbers: the smallest n for which n / probes reaches percent / 100.
        expect([probes, percent, successes]).toEqual([probes, percent, Math.floor((probes * percent + 99) / 100)])
      }
    }
  })

  test('stays half-open while mixed results allow both decisions', () => {
    const breaker = breakerWith({ halfOpen: { probes: 5, closeAt: 0.6, leaseMs: 1_000 } })
    call(breaker, 'failure', 0)
    for (const verdict of ['failure', 'success', 'failure', 'success'] as const) {
      call(breaker, verdict, 100)
      expect(breaker.state).toBe('half-open')
    }
    call(breaker, 'success', 100)
    expect(breaker.state).toBe('closed')
  })
})

test('ignored probes release their permits and neither close nor open the circuit', () => {
  const breaker = breakerWith()
  call(breaker, 'failure', 0)
  for (let n = 0; n < 1_000; n += 1) {
    expect(call(breaker, 'ignored', 100)).toBe(true)
    expect(breaker.state).toBe('half-open')
  }
  call(breaker, 'success', 100)
  expect(breaker.state).toBe('closed')
})

test('the open period grows up to its maximum and starts again at its base after closing', () => {
  const breaker = breakerWith({ open: { baseMs: 100, factor: 3, maxMs: 1_000 } })
  let now = 0
  const openFor = (): number => {
    call(breaker, 'failure', now)
    const ms = breaker.retryAfterMs(now) as number
    now += ms
    breaker.advance(now)
    expect(breaker.state).toBe('half-open')
    return ms
  }
  expect([openFor(), openFor(), openFor(), openFor()]).toEqual([100, 300, 900, 1_000])
  call(breaker, 'success', now)
  expect(breaker.state).toBe('closed')
  expect([openFor(), openFor()]).toEqual([100, 300])
})

test('a growing open period never overflows', () => {
  const breaker = breakerWith({ open: { baseMs: 1, factor: 1e200, maxMs: 500 } })
  let now = 0
  for (let n = 0; n < 20; n += 1) {
    call(breaker, 'failure', now)
    expect(breaker.retryAfterMs(now)).toBe(n === 0 ? 1 : 500)
    now += 500
  }
})

test('hints while half-open at the end of the lease or the next open period, whichever is first', () => {
  const leaseFirst = breakerWith({ halfOpen: { probes: 1, closeAt: 1, leaseMs: 40 } })
  call(leaseFirst, 'failure', 0)
  leaseFirst.tryAcquire(100, Math.random)
  expect(leaseFirst.tryAcquire(110, Math.random)).toBeUndefined()
  expect(leaseFirst.retryAfterMs(110)).toBe(30)

  const reopeningFirst = breakerWith({ open: { baseMs: 100, factor: 2, maxMs: 400 } })
  call(reopeningFirst, 'failure', 0)
  reopeningFirst.tryAcquire(100, Math.random)
  expect(reopeningFirst.tryAcquire(110, Math.random)).toBeUndefined()
  expect(reopeningFirst.retryAfterMs(110)).toBe(200)
})

test('the count and the instant of the opening stay visible until the circuit closes', () => {
  const breaker = breakerWith()
  expect(breaker.openPeriod?.openedMs).toBeUndefined()
  call(breaker, 'failure', 7)
  expect([breaker.failures(50), breaker.calls(50), breaker.openPeriod?.openedMs]).toEqual([1, 1, 7])
  breaker.advance(107)
  expect([breaker.state, breaker.failures(107), breaker.calls(107), breaker.openPeriod?.openedMs]).toEqual([
    'half-open',
    1,
    1,
    7,
  ])
  call(breaker, 'success', 108)
  expect([breaker.failures(108), breaker.calls(108), breaker.openPeriod?.openedMs]).toEqual([0, 0, undefined])
})

test('isolated rejects without a hint; disabled lets all calls through and counts nothing', () => {
  const breaker = breakerWith()
  breaker.isolate(0)
  breaker.isolate(0)
  expect(breaker.tryAcquire(1e9, Math.random)).toBeUndefined()
  expect(breaker.retryAfterMs(1e9)).toBeUndefined()
  expect(breaker.nextChangeMs()).toBeUndefined()
  breaker.disable(0)
  breaker.disable(0)
  for (let n = 0; n < 50; n += 1) expect(call(breaker, 'failure', n)).toBe(true)
  expect([breaker.state, breaker.failures(50)]).toEqual(['disabled', 0])
  breaker.reset(50)
  expect([breaker.state, breaker.failures(50)]).toEqual(['closed', 0])
})

test('the state stays consistent if onTransition acts on the breaker', () => {
  const seen: string[] = []
  const breaker: Breaker = breakerWith({
    onTransition: ({ to }) => {
      seen.push(to)
      if (to === 'open') breaker.reset(0)
    },
  })
  call(breaker, 'failure', 0)
  expect([breaker.state, seen]).toEqual(['closed', ['open', 'closed']])
  expect(breaker.tryAcquire(0, Math.random)?.probe).toBe(false)

  const isolating: Breaker = breakerWith({ onTransition: ({ to }) => to === 'half-open' && isolating.isolate(100) })
  call(isolating, 'failure', 0)
  expect(isolating.tryAcquire(100, Math.random)).toBeUndefined()
  expect(isolating.state).toBe('isolated')
})

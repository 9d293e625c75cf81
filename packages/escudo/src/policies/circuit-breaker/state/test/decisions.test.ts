import { describe, expect, test } from 'vitest'
import type { Verdict } from '../../../../core/outcome.ts'
import { Breaker } from '../breaker.ts'
import type { Permit } from '../permit.ts'
import type { HalfOpenSettings, OpenTime, Transition } from '../settings.ts'
import { consecutive } from '../trips/trip.ts'

interface Options {
  readonly open?: Omit<OpenTime, 'retryAfterMaxMs'>
  readonly halfOpen?: HalfOpenSettings
  readonly heard?: (transition: Transition) => void
}

function breakerWith({ open, halfOpen, heard }: Options = {}): Breaker {
  return new Breaker({
    trip: consecutive(1),
    openTime: { retryAfterMaxMs: 0, ...(open ?? { baseMs: 100, factor: 1, maxMs: 100 }) },
    halfOpen: halfOpen ?? { probes: 1, closeAt: 1, leaseMs: 1_000 },
    mode: 'enforce',
    ramp: undefined,
    onTransition: heard ?? (() => {}),
  })
}

/** A call that is let through and comes to `verdict`. */
function call(breaker: Breaker, verdict: Verdict, now: number): boolean {
  const ticket = breaker.tryAcquire(now, Math.random)
  return ticket !== undefined && breaker.settle(ticket, verdict, now)
}

describe('the decision in half-open falls as soon as it is arithmetically fixed', () => {
  test.each([
    // probes, closeAt, successes that close, failures that open
    [1, 1, 1, 1],
    [5, 1, 5, 1],
    [5, 0.6, 3, 3],
    [4, 0.5, 2, 3],
    [10, 0.01, 1, 10],
    [3, 1 / 3, 1, 3],
    [3, 0.5, 2, 2],
  ])('%i probes, closing at %f of them: %i successes close, %i failures open', (probes, closeAt, good, bad) => {
    const outcomes: [Verdict, number, string][] = [
      ['success', good, 'closed'],
      ['failure', bad, 'open'],
    ]
    for (const [verdict, needed, decided] of outcomes) {
      const breaker = breakerWith({ halfOpen: { probes, closeAt, leaseMs: 1_000 } })
      call(breaker, 'failure', 0)
      const tickets = Array.from({ length: probes }, () => breaker.tryAcquire(100, Math.random) as Permit)
      tickets.slice(0, needed - 1).forEach((ticket) => {
        breaker.settle(ticket, verdict, 110)
        expect(breaker.state).toBe('half-open')
      })
      breaker.settle(tickets[needed - 1] as Permit, verdict, 110)
      expect(breaker.state).toBe(decided)
      // What the others say afterwards belongs to an era that is over.
      for (const ticket of tickets.slice(needed)) expect(breaker.settle(ticket, 'failure', 111)).toBe(false)
      expect(breaker.state).toBe(decided)
    }
  })

  test('closes with ceil(probes · closeAt) successes, whatever binary numbers make of the product', () => {
    for (let probes = 1; probes <= 100; probes += 1) {
      for (let percent = 1; percent <= 100; percent += 1) {
        const breaker = breakerWith({ halfOpen: { probes, closeAt: percent / 100, leaseMs: 1_000 } })
        call(breaker, 'failure', 0)
        let successes = 0
        for (; breaker.state !== 'closed' && successes < probes; successes += 1) call(breaker, 'success', 100)
        // In whole numbers: the least n for which n / probes reaches percent / 100.
        expect([probes, percent, successes]).toEqual([probes, percent, Math.floor((probes * percent + 99) / 100)])
      }
    }
  })

  test('mixed results decide by what is still possible', () => {
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

test('ignored probes give their place back and neither close nor open, however many there are', () => {
  const breaker = breakerWith()
  call(breaker, 'failure', 0)
  for (let n = 0; n < 1_000; n += 1) {
    expect(call(breaker, 'ignored', 100)).toBe(true)
    expect(breaker.state).toBe('half-open')
  }
  call(breaker, 'success', 100)
  expect(breaker.state).toBe('closed')
})

test('the open time grows by its factor up to its maximum, and begins again at its base after closing', () => {
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

test('a growing open time never overflows', () => {
  const breaker = breakerWith({ open: { baseMs: 1, factor: 1e200, maxMs: 500 } })
  let now = 0
  for (let n = 0; n < 20; n += 1) {
    call(breaker, 'failure', now)
    expect(breaker.retryAfterMs(now)).toBe(n === 0 ? 1 : 500)
    now += 500
  }
})

test('a refusal while half-open hints at the end of the lease or the next chance, whichever comes first', () => {
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

test('the count that opened the circuit stays visible until it closes, and its instant too', () => {
  const breaker = breakerWith()
  expect(breaker.openedMs).toBeUndefined()
  call(breaker, 'failure', 7)
  expect([breaker.failures(50), breaker.calls(50), breaker.openedMs]).toEqual([1, 1, 7])
  breaker.advance(107)
  expect([breaker.state, breaker.failures(107), breaker.calls(107), breaker.openedMs]).toEqual(['half-open', 1, 1, 7])
  call(breaker, 'success', 108)
  expect([breaker.failures(108), breaker.calls(108), breaker.openedMs]).toEqual([0, 0, undefined])
})

test('isolated refuses without a hint until reset; disabled lets all through and counts nothing', () => {
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

test('a listener that acts on the breaker while it changes leaves it in one piece', () => {
  const seen: string[] = []
  const breaker: Breaker = breakerWith({
    heard: ({ to }) => {
      seen.push(to)
      if (to === 'open') breaker.reset(0)
    },
  })
  call(breaker, 'failure', 0)
  expect([breaker.state, seen]).toEqual(['closed', ['open', 'closed']])
  expect(breaker.tryAcquire(0, Math.random)?.probe).toBe(false)

  const isolating: Breaker = breakerWith({ heard: ({ to }) => to === 'half-open' && isolating.isolate(100) })
  call(isolating, 'failure', 0)
  expect(isolating.tryAcquire(100, Math.random)).toBeUndefined()
  expect(isolating.state).toBe('isolated')
})

import { describe, expect, test, vi } from 'vitest'
import { bulkhead, type CircuitBreakerOptions, circuitBreaker, consecutive, shield, timeout } from '../../../index.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'
import { type Gate, gate } from './setup.ts'

async function halfOpen(options: CircuitBreakerOptions = {}, clock: VirtualClock = virtualClock()) {
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s', ...options })
  const s = shield({ name: 's', clock }, breaker)
  await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
  await clock.advance('10s')
  expect(breaker.state).toBe('half-open')
  return { clock, breaker, s }
}

const refusals = (results: PromiseSettledResult<unknown>[]): number =>
  results.filter((result) => result.status === 'rejected' && result.reason.code === 'CIRCUIT_OPEN').length

describe('a half-open circuit', () => {
  test.each([1, 3, 10])(
    'lets exactly %i of 1000 concurrent callers through, and rejects all others immediately',
    async (probes) => {
      const { breaker, s, clock } = await halfOpen({ halfOpen: { probes } })
      const gates: Gate[] = []
      const running = Array.from({ length: 1_000 }, () =>
        s.run(() => {
          const probe = gate()
          gates.push(probe)
          return probe.promise
        }),
      )
      expect(gates.length).toBe(probes)
      const settled = Promise.allSettled(running)
      await clock.advance(0)
      for (const { resolve } of gates) resolve('ok')
      expect(refusals(await settled)).toBe(1_000 - probes)
      expect(breaker.state).toBe('closed')
      expect(clock.pending).toBe(0)
    },
  )

  test('has no queue: a rejected call settles although no probe settles and no time passes', async () => {
    const { s } = await halfOpen()
    void s.run(() => new Promise(() => {}))
    await expect(s.run(() => 1)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 10_000 })
  })

  test('hints at the end of the lease or the next open period, whichever is first', async () => {
    const { s, clock } = await halfOpen({ halfOpen: { lease: '4s' } })
    void s.run(() => new Promise(() => {}))
    await clock.advance('1s')
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 3_000 })
  })

  test('closes with ceil(probes · closeAt) successes, and opens once that is out of reach', async () => {
    for (const [failures, state] of [
      [2, 'closed'],
      [3, 'open'],
    ] as const) {
      const { breaker, s } = await halfOpen({ halfOpen: { probes: 5, closeAt: 0.6 } })
      for (let n = 0; n < failures; n += 1) await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
      for (let n = 0; n < 3; n += 1) await s.run(() => 'ok').catch(() => {})
      expect(breaker.state).toBe(state)
    }
  })

  test('decides as soon as the result is certain, while other probes are still running', async () => {
    const { breaker, s } = await halfOpen({ halfOpen: { probes: 3, closeAt: 2 / 3 } })
    const gates = [gate(), gate(), gate()]
    const calls = gates.map(({ promise }) => s.run(() => promise))
    gates[0]?.resolve(1)
    gates[2]?.resolve(1)
    await Promise.all([calls[0], calls[2]])
    expect(breaker.state).toBe('closed')
    gates[1]?.reject(new Error('late probe'))
    await calls[1]?.catch(() => {})
    expect(breaker.state).toBe('closed')
  })
})

describe('a probe', () => {
  test('that its caller aborts releases its permit, and neither closes nor opens the circuit', async () => {
    const { breaker, s } = await halfOpen()
    for (let n = 0; n < 3; n += 1) {
      const controller = new AbortController()
      const probe = s.run(() => new Promise(() => {}), { signal: controller.signal })
      controller.abort()
      // Immediately, although the operation ignores its signal: the next probe goes through in the same tick.
      expect(breaker.state).toBe('half-open')
      await expect(probe).rejects.toMatchObject({ name: 'AbortError' })
    }
    expect(await s.run(() => 'through')).toBe('through')
    expect(breaker.state).toBe('closed')
  })

  test('that hangs counts as a failure at the end of its lease', async () => {
    const { breaker, s, clock } = await halfOpen({ halfOpen: { lease: '60s' } })
    const changes: unknown[] = []
    breaker.on('stateChange', ({ to, at, reason }) => changes.push([to, at, reason]))
    const { promise, resolve } = gate()
    const hung = s.run(() => promise)
    await clock.advance('60s')
    expect(changes).toEqual([['open', 70_000, 'a probe did not settle within its lease']])
    await clock.advance('10s')
    // Its late success is a result of an earlier generation.
    resolve('late')
    expect(await hung).toBe('late')
    expect(breaker.state).toBe('half-open')
    await s.run(() => 'through')
    expect(breaker.state).toBe('closed')
  })

  test('that hangs uses one permit, and the other probes decide', async () => {
    const { breaker, s, clock } = await halfOpen({ halfOpen: { probes: 3, closeAt: 0.5, lease: '5s' } })
    void s.run(() => new Promise(() => {}))
    await clock.advance('5s')
    expect(breaker.state).toBe('half-open')
    await s.run(() => 1)
    await s.run(() => 1)
    expect(breaker.state).toBe('closed')
  })

  test('that an outer timeout cancels is a failure, and opens the circuit immediately', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const s = shield({ name: 's', clock }, timeout('1s'), breaker)
    await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
    await clock.advance('10s')
    const probe = s.run(() => new Promise(() => {})).catch((error) => error.code)
    await clock.advance('1s')
    expect(await probe).toBe('TIMEOUT')
    expect(breaker.state).toBe('open')
  })

  test('that an inner policy rejects is ignored: its limit says nothing about the dependency', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const inner = bulkhead({ limit: 1 })
    const s = shield({ name: 's', clock }, breaker, inner)
    const busy = shield({ name: 'busy', clock }, inner)
    await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
    await clock.advance('10s')
    const { promise, resolve } = gate()
    const holding = busy.run(() => promise)
    await expect(s.run(() => 1)).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    expect(breaker.state).toBe('half-open')
    resolve(1)
    await holding
    await s.run(() => 1)
    expect(breaker.state).toBe('closed')
  })

  test('that is ignored has no lease left that could open the circuit later', async () => {
    const { breaker, s, clock } = await halfOpen({ halfOpen: { lease: '5s' } })
    const controller = new AbortController()
    const probe = s.run(() => new Promise(() => {}), { signal: controller.signal })
    controller.abort()
    await probe.catch(() => {})
    await clock.advance('1h')
    expect(breaker.state).toBe('half-open')
    expect(clock.pending).toBe(0)
  })

  test('that throws synchronously, throws undefined or returns a rejecting thenable is a failure', async () => {
    const operations = [
      () => {
        throw new Error('at once')
      },
      () => {
        throw undefined
      },
      () => ({ then: (_: unknown, reject: (e: unknown) => void) => reject('no') }),
    ]
    for (const operation of operations) {
      const { breaker, s } = await halfOpen()
      await s.run(operation as () => unknown).catch(() => {})
      expect(breaker.state).toBe('open')
    }
  })
})

test('a listener that throws affects neither the circuit nor the call', async () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const { breaker, s } = await halfOpen()
  breaker.on('stateChange', () => {
    throw new Error('broken listener')
  })
  expect(await s.run(() => 'through')).toBe('through')
  expect(breaker.state).toBe('closed')
  expect(warnings).toHaveBeenCalledTimes(1)
  warnings.mockRestore()
})

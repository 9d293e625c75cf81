import { describe, expect, test, vi } from 'vitest'
import { bulkhead, type CircuitBreakerOptions, circuitBreaker, consecutive, shield, timeout } from '../../../index.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'

interface Deferred {
  readonly promise: Promise<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
}

function deferred(): Deferred {
  let resolve: (value: unknown) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise((...settle) => {
    ;[resolve, reject] = settle
  })
  return { promise, resolve, reject }
}

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

describe('half-open', () => {
  test.each([1, 3, 10])('a stampede of 1000 callers: exactly %i probes, all others refused at once', async (probes) => {
    const { breaker, s, clock } = await halfOpen({ halfOpen: { probes } })
    const gates: Deferred[] = []
    const running = Array.from({ length: 1_000 }, () =>
      s.run(() => {
        const gate = deferred()
        gates.push(gate)
        return gate.promise
      }),
    )
    expect(gates.length).toBe(probes)
    const settled = Promise.allSettled(running)
    await clock.advance(0)
    for (const gate of gates) gate.resolve('ok')
    expect(refusals(await settled)).toBe(1_000 - probes)
    expect(breaker.state).toBe('closed')
    expect(clock.pending).toBe(0)
  })

  test('nobody waits in a queue: a refused call settles without time or any probe moving', async () => {
    const { s } = await halfOpen()
    void s.run(() => new Promise(() => {}))
    await expect(s.run(() => 1)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 10_000 })
  })

  test('a refusal hints at the end of the lease or the next chance, whichever comes first', async () => {
    const { s, clock } = await halfOpen({ halfOpen: { lease: '4s' } })
    void s.run(() => new Promise(() => {}))
    await clock.advance('1s')
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 3_000 })
  })

  test('N probes with a ratio: closes with ceil(probes · closeAt) successes, opens once that is out of reach', async () => {
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

  test('the decision falls as soon as it is fixed, while other probes still run', async () => {
    const { breaker, s } = await halfOpen({ halfOpen: { probes: 3, closeAt: 2 / 3 } })
    const gates = [deferred(), deferred(), deferred()]
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
  test('that was aborted by its caller gives its permit back, and neither closes nor opens', async () => {
    const { breaker, s } = await halfOpen()
    for (let n = 0; n < 3; n += 1) {
      const controller = new AbortController()
      const probe = s.run(() => new Promise(() => {}), { signal: controller.signal })
      controller.abort()
      // At once, and not when the deaf operation returns: the next probe goes through in the same tick.
      expect(breaker.state).toBe('half-open')
      await expect(probe).rejects.toMatchObject({ name: 'AbortError' })
    }
    expect(await s.run(() => 'through')).toBe('through')
    expect(breaker.state).toBe('closed')
  })

  test('that hangs counts as a failure at the end of its lease, and its permit returns', async () => {
    const { breaker, s, clock } = await halfOpen({ halfOpen: { lease: '60s' } })
    const changes: unknown[] = []
    breaker.on('stateChange', ({ to, at, reason }) => changes.push([to, at, reason]))
    const gate = deferred()
    const hung = s.run(() => gate.promise)
    await clock.advance('60s')
    expect(changes).toEqual([['open', 70_000, 'a probe did not settle within its lease']])
    await clock.advance('10s')
    // Its late success belongs to an era that is over.
    gate.resolve('late')
    expect(await hung).toBe('late')
    expect(breaker.state).toBe('half-open')
    await s.run(() => 'through')
    expect(breaker.state).toBe('closed')
  })

  test('that hangs among several costs one place, and the rest decide', async () => {
    const { breaker, s, clock } = await halfOpen({ halfOpen: { probes: 3, closeAt: 0.5, lease: '5s' } })
    void s.run(() => new Promise(() => {}))
    await clock.advance('5s')
    expect(breaker.state).toBe('half-open')
    await s.run(() => 1)
    await s.run(() => 1)
    expect(breaker.state).toBe('closed')
  })

  test('that a timeout further out cuts off is a failure, and opens at once', async () => {
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

  test('that a policy further in refuses is ignored: our own limits say nothing about the dependency', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const inner = bulkhead({ limit: 1 })
    const s = shield({ name: 's', clock }, breaker, inner)
    const busy = shield({ name: 'busy', clock }, inner)
    await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
    await clock.advance('10s')
    const gate = deferred()
    const holding = busy.run(() => gate.promise)
    await expect(s.run(() => 1)).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    expect(breaker.state).toBe('half-open')
    gate.resolve(1)
    await holding
    await s.run(() => 1)
    expect(breaker.state).toBe('closed')
  })

  test('that was let through half-open and ignored leaves no lease behind that later opens the circuit', async () => {
    const { breaker, s, clock } = await halfOpen({ halfOpen: { lease: '5s' } })
    const controller = new AbortController()
    const probe = s.run(() => new Promise(() => {}), { signal: controller.signal })
    controller.abort()
    await probe.catch(() => {})
    await clock.advance('1h')
    expect(breaker.state).toBe('half-open')
    expect(clock.pending).toBe(0)
  })

  test('that throws synchronously, throws undefined, or returns a rejecting thenable is a failure each time', async () => {
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

test('a listener that throws while the circuit changes disturbs neither the circuit nor the call', async () => {
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

import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { bulkhead, circuitBreaker, consecutive, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { shield } from '../../shield.ts'

const never = (): Promise<never> => new Promise(() => {})

describe("the caller's signal", () => {
  test('has one listener for all calls in flight, and none after the last one has settled', async () => {
    const s = shield('s')
    const { signal } = new AbortController()
    const ends: (() => void)[] = []
    const calls = Array.from({ length: 50 }, () => s.run(() => new Promise<void>((end) => ends.push(end)), { signal }))
    expect(getEventListeners(signal, 'abort').length).toBe(1)
    for (const [index, end] of ends.entries()) {
      end()
      await calls[index]
      expect(getEventListeners(signal, 'abort').length).toBe(index < 49 ? 1 : 0)
    }
    await s.run(() => expect(getEventListeners(signal, 'abort').length).toBe(1), { signal })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('cancels its calls in all shields, and no calls of other signals', async () => {
    const [first, second] = [shield('first'), shield('second')]
    const [aborted, kept] = [new AbortController(), new AbortController()]
    const cancelled = [first.run(never, { signal: aborted.signal }), second.run(never, { signal: aborted.signal })]
    let end: (value: string) => void = () => {}
    const unaffected = first.run(() => new Promise((resolve) => (end = resolve)), { signal: kept.signal })
    aborted.abort('gone')
    for (const call of cancelled) await expect(call).rejects.toBe('gone')
    end('done')
    expect(await unaffected).toBe('done')
    expect(getEventListeners(kept.signal, 'abort')).toEqual([])
  })

  test('counts as a failure of an inner breaker if the timeout of an outer shield aborts it', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const [outer, inner] = [shield({ name: 'outer', clock }, timeout('1s')), shield({ name: 'inner', clock }, breaker)]
    const call = outer.run(({ signal }) => inner.run(never, { signal })).catch((error) => error.shield)
    await clock.advance('1s')
    expect(await call).toBe('outer')
    expect(breaker.state).toBe('open')
  })

  test('counts as a failure of an inner breaker if the deadline of an outer shield aborts it', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const [outer, inner] = [shield({ name: 'outer', clock }), shield({ name: 'inner', clock }, breaker)]
    const call = outer
      .run(({ signal }) => inner.run(never, { signal }), { deadline: '1s' })
      .catch((error) => error.code)
    await clock.advance('1s')
    expect(await call).toBe('DEADLINE_EXCEEDED')
    expect(breaker.state).toBe('open')
  })

  test('is ignored by an inner breaker if the caller of an outer shield aborts it', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const [outer, inner] = [shield({ name: 'outer', clock }, timeout('1s')), shield({ name: 'inner', clock }, breaker)]
    const controller = new AbortController()
    const call = outer.run(({ signal }) => inner.run(never, { signal }), { signal: controller.signal })
    controller.abort('gone')
    await expect(call).rejects.toBe('gone')
    expect(inner.status().policies[0]).toMatchObject({ state: 'closed', calls: 0 })
  })

  test("is the caller's abort if it is an AbortSignal.timeout: a breaker ignores it", async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield('s', breaker)
    // Aborts with the reason of AbortSignal.timeout, without its wait.
    const controller = new AbortController()
    const call = s.run(never, { signal: controller.signal })
    controller.abort(new DOMException('The operation timed out.', 'TimeoutError'))
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(breaker.state).toBe('closed')
  })

  test('prevents the operation if an event listener aborts it while the call enters', async () => {
    let nowMs = 0
    const clock = { now: () => nowMs, setTimer: () => () => {} }
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1s' })
    const s = shield({ name: 's', clock }, breaker, bulkhead({ limit: 1 }), timeout('1s'))
    await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
    const controller = new AbortController()
    // The clock's timers never fire, so the circuit becomes half-open during the call. The listener of this event
    // aborts the call.
    nowMs += 1_000
    breaker.on('stateChange', () => controller.abort('gone'))
    let called = false
    const call = s.run(
      () => {
        called = true
      },
      { signal: controller.signal },
    )
    await expect(call).rejects.toBe('gone')
    expect(called).toBe(false)
    expect(s.status().policies).toMatchObject([{ state: 'half-open' }, { inUse: 0 }, { timeouts: 0 }])
  })
})

describe('the signal of a call', () => {
  test('that cannot be cancelled is separate per call, the same at each access, never aborted', async () => {
    const s = shield('s')
    const [first, second] = [await s.run(({ signal }) => [signal]), await s.run((call) => [call.signal, call.signal])]
    expect(first[0]).toBeInstanceOf(AbortSignal)
    expect(first[0]?.aborted).toBe(false)
    expect(second[0]).toBe(second[1])
    expect(second[0]).not.toBe(first[0])
  })
})

test('the option `stacks` gives refusals and deadline errors a stack', async () => {
  const clock = virtualClock()
  for (const stacks of [false, true]) {
    const breaker = circuitBreaker()
    breaker.isolate()
    const s = shield({ name: 's', clock, stacks }, breaker)
    const full = shield({ name: 'full', clock, stacks }, bulkhead({ limit: 1 }))
    void full.run(never)
    const errors = [
      s.run(() => 1).catch((error) => error),
      full.run(() => 1).catch((error) => error),
      shield({ name: 'd', clock, stacks })
        .run(never, { deadline: 1 })
        .catch((error) => error),
    ]
    await clock.advance(1)
    for (const error of await Promise.all(errors)) {
      expect(error.code).toMatch(/^(CIRCUIT_OPEN|BULKHEAD_FULL|DEADLINE_EXCEEDED)$/)
      expect(error.stack.includes('\n    at ')).toBe(stacks)
    }
  }
})
